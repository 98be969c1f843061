"""FHIR out."""

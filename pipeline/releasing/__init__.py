"""The release ledger (S3), its lock and journal, and the publishing of versions."""

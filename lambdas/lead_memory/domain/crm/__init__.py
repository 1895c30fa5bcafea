"""What conversations say of the CRM's records: accounts, contacts, opportunities, cases, tasks and leads."""

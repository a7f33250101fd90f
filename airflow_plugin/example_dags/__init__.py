"""DAGs to start from. Locations come from params, so they run on any Airflow without a change."""

"""DAGs to start from. Places come from params, so they run on any Airflow by changing nothing."""

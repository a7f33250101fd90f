"""The examples that ship, as a DAGs folder sees them."""

from airflow_plugin.example_dags.example_s3_xfer_batch_array import dag as batch_array
from airflow_plugin.example_dags.example_s3_xfer_cross_account import dag as cross_account
from airflow_plugin.example_dags.example_s3_xfer_indexed_job import dag as indexed_job
from airflow_plugin.example_dags.example_s3_xfer_kubernetes import dag as kubernetes
from airflow_plugin.example_dags.example_s3_xfer_mapped import dag as mapped
from airflow_plugin.example_dags.example_s3_xfer_prefix import dag as prefix
from airflow_plugin.example_dags.example_s3_xfer_single_object import dag as single_object
from airflow_plugin.example_dags.example_s3_xfer_uploads import dag as uploads
from airflow_plugin.example_dags.example_s3_xfer_verified import dag as verified

__all__ = [
    "batch_array",
    "cross_account",
    "indexed_job",
    "kubernetes",
    "mapped",
    "prefix",
    "single_object",
    "uploads",
    "verified",
]

"""Sample values and records, where tests look for them."""

from __future__ import annotations

from kartoteka_runtime.access_tests.sample_values import SampleRecords, sample_values

__all__ = ["SampleRecords", "sample_values"]

select
    meterpoint_id,
    region
from {{ source('case_study', 'meterpoint') }}

select
    agreement_id,
    account_id,
    meterpoint_id,
    product_id,
    agreement_valid_from,
    agreement_valid_to
from {{ source('case_study', 'agreement') }}

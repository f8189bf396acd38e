with agreements as (

    select * from {{ ref('stg_agreements') }}

)

select
    agreement_id,
    meterpoint_id,
    display_name,
    is_variable
from agreements
where {{ valid_on("date '" ~ var('as_of_date') ~ "'", 'agreements') }}

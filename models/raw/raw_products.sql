select
    id,
    product_id,
    display_name,
    is_variable
from {{ source('case_study', 'product') }}

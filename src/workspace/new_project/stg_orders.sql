select
    order_id,
    ordered_at,
    cast(ordered_at as date) as order_date,
    amount
from {{ ref('raw_orders') }}
where status = 'paid'

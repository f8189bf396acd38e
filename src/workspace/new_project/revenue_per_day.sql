select
    order_date,
    '{{ var("currency") }}' as currency,
    count(*) as orders,
    sum(amount) as revenue
from {{ ref('stg_orders') }}
group by order_date
order by order_date

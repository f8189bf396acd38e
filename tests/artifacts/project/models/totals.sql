select
    country_name,
    {{ cents('sum(amount)') }} as total,
    count(*) as orders
from {{ ref('known_orders') }}
group by country_name

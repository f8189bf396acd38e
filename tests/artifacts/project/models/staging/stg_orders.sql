select order_id, customer, country, amount, ordered_at
from {{ source('files', 'orders') }}
where amount >= {{ var('least') }}

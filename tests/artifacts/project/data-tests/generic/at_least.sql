{% test at_least(model, column, minimum) %}
select * from {{ model }} where {{ column }} < {{ minimum }}
{% endtest %}

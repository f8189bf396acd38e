select count(*) from people;
select * from types order by id;
select * from nested order by id;
select * from empty;

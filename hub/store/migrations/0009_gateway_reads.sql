-- What gateways keep in memory of the tables that came after their role.

GRANT SELECT ON grant_part TO puente_gateway;

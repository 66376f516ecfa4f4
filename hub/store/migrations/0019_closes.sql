-- `closes` of schemas/registry.py.
CREATE FUNCTION closes(type text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT split_part(type, '.', -1) IN ('cancelled', 'located', 'closed')
$$;

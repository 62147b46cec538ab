-- A text without what cannot be seen, every kind of space a space, and none at its ends.
trim(regexp_replace(regexp_replace(value::VARCHAR, $invisible, '', 'g'), $spaces, ' ', 'g'))

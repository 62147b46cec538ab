-- A text without what cannot be seen, every kind of space a space, none at its ends, and out of a spreadsheet's ="…".
regexp_replace(
    trim(regexp_replace(regexp_replace(value::VARCHAR, $invisible, '', 'g'), $spaces, ' ', 'g')), '^="(.*)"$', '\1'
)

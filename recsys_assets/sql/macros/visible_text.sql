-- A text without invisible characters, with every kind of space as a space, trimmed, taken out of a spreadsheet's ="…",
-- and with accented letters in one normalization (NFC).
nfc_normalize(regexp_replace(
    trim(regexp_replace(regexp_replace(value::VARCHAR, $invisible, '', 'g'), $spaces, ' ', 'g')), '^="(.*)"$', '\1'
))

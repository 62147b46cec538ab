-- A text without what cannot be seen, every kind of space a space, none at its ends, out of a spreadsheet's ="…", and
-- letters with accents written in the one way (NFC) that looks alike in two.
nfc_normalize(regexp_replace(
    trim(regexp_replace(regexp_replace(value::VARCHAR, $invisible, '', 'g'), $spaces, ' ', 'g')), '^="(.*)"$', '\1'
))

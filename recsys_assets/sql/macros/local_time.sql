-- A moment on the shop's own clock, or NULL where it cannot be read.
--
-- A time with an offset or the name of a zone is turned to the shop's zone, one without is taken as it stands. Zones
-- that IANA does not name (BST, PST: several countries use them) are not guessed. A time in the hour that the clock
-- skips in spring is an hour later, as clocks have it; in the hour that comes twice in autumn both passes have the same
-- times.
CASE
    WHEN $time_zone = 'UTC' THEN written_time(value)
    ELSE timezone($time_zone, timezone($time_zone, written_time(value)))
END

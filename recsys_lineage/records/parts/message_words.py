"""Words of the messages of engines and of Python itself: what a failure may repeat outside of quotes.

An engine puts the name of a column, a table or a function, and at times a cell, into its message without quotes. So of
a message that native code makes only these words, none of which is a name, and words of the asset's own code stay.
"""

from __future__ import annotations

_WORDS = """
a abort aborted about above accept accepted accepts access accessor add added address after aggregate aggregates
aggregation alias all allocate allocated allocation allowed already also alter ambiguous amount an and another any
anything appear append appropriate are argument arguments arithmetic array arrays as ascii asked asserted assertion
assign assigned associated at attach attached attempt attribute attributes available avoid axis back bad badly base
base64 based be because been before begin begins being below between beyond bigint bin binary bind binder binding bit
bits blob block blocks body bool boolean both bound bounds broken bucket buffer builder building but by byte bytes
cache call callable called calls can cannot capture case cast casting casts catalog categorical categories category
change changed char character characters check checks child chunk chunks class clause clauses close closed code codec
collation column columns combine combined command comment commit committed comparable compare compared comparison
compatible complete compressed compression compute computed condition conditions configuration configured conflict
conflicting connect connected connection consider constant constraint construct contain contained container contains
content contents context conversion convert converted converting copy correct correlated correlation corrupt corrupted
could count create created csv cte current cursor cycle damaged data database databases date dates datetime
datetimelike datetimes day days deadlock dec decimal declared decode decoded decoding decompress deep default defined
definition delete deleted denied depends depth deserialize deserializing destination details detected dict dictionary
did different digit digits dimension dimensional dimensions directly directory disabled disk distinct div divide
division do document does doesn don done double drop dtype dtypes due duplicate duplicated duplicates duration during
each earlier either element elements empty enable enabled encode encoded encoding encountered end ended ends engine
enough entry enum enums eof equal errno error errors escape evaluate even exactly exceed exceeded exceeds except
exception excess exclude exclusive executable execute executed execution exist existing exists expect expected
expecting explicit explicitly expression expressions extended extension extra extract factor fail failed fails false
feature few field fields file filename files filter final find first fit fits fix fixed flag flat float float32
float64 floating follow followed following for forbidden foreign form format formats formatted formatting formed found
frame frames from full function functions further g generated get give given got greater group grouped grouping groups
handle handled has hash have having header held help hex hexadecimal host hour hours http https hugeint i i16 i32 i64
i8 id identifier identifiers if ignore ignored illegal imaginary implementation implemented implicit implicitly import
in include included including incompatible incomplete incorrect increase index indexed indexer indexes indices infer
inferred infinite infinity info initial initialize inner input inputs insert inside instance instead int int16 int32
int64 int8 integer integers internal interpret interpreted interrupted interval into invalid io ipv4 ipv6 is isn
isoformat issue it item items iterable iterate iterator iterators its join joins json key keys keyword keywords kind
known label labels lambda language large larger largest last later lateral latest leading least left len length
lengths less level levels library like limit limits line lines list lists literal literals load loaded local locals
located lock locked logical long longer lookup loop lost lower macro macros make malformed many map mapping maps match
matched matches matching materialize maximum may mean means member memory merge message metadata method microseconds
might milliseconds minimum minute minutes mismatch missing mixed mode model modified module month months more most
must mutable name named names nan nanoseconds native near need needed needs negative nested network never new newer
newline next no non none nor not nothing now null nullable nulls number numbers numeric object objects occurred of off
offset old older on once one only open opened opening operand operands operation operations operator operators option
optional options or order ordered ordering ordinal original os other others otherwise out outer output outside over
overflow overlapping overwrite own padding page pair pairs parameter parameters parent parse parsed parser parsing
part partial partition partitions parts pass passed path paths pattern percent period permission permitted physical
pickle pivot place plan please point pointer port position positional positive possible pragma precision predicate
prefix prepare prepared present previous primary procedure process produce produced projection projections properties
property protocol provide provided provider purpose put python query quote quoted quotes raised range ranges rather
raw reach reached read reading real reason received recognized record records recursion recursive reduce reference
referenced references referring refused regex regexp region register registered regular reindex relation relations
remaining remove removed rename repeated replace replaced replacement replacing representation represented request
required requires reserved resolve resource response result resulting results retry return returned returning returns
reverse right rolling root row rows rule run running runtime safe same scalar scan schema schemas scope search second
seconds secret section seek select selected selection sensitive separator sequence serialize series server session set
sets setting settings several shape shapes should side sign signature similar single size sized sizes skip slice small
smaller smallint snapshot so some sort sorted source space specific specification specified specifier specifying split
sql standard star start started starts state statement statements statistics status step still stop stopped storage
store stored str stream strict string strings struct structs structure subpattern subqueries subquery subscript
subscriptable subscripts subset such suffix sum supplied support supported supports supposed sure syntax system table
tables take taken takes target temporary terminated text than that the their them then there these they this those
thread threads through time timed timedelta timeout times timestamp timestamps timezone tinyint to together token
tokens too total trailing transaction transfer transform translate tried true truncated try trying tuple tuples two
type typed types u u16 u32 u64 u8 ubigint ufunc uint16 uint32 uint64 uint8 uinteger unable unaligned unbound unclosed
undefined under understood unequal unescaped unexpected unfinished unhashable unicode union unique unit units unknown
unless unnamed unpack unqualified unquoted unrecognized unresolved unset unsigned unsorted unsupported unterminated
until unusable up update updated upper url usage use used user using utc utf utf8 uuid valid validate validation value
values varchar variable variables vector version view views violated violates violation wait want was way we week were
what when where whether which while whole whose width wildcard window windows with within without would wrap write
writer writing written wrong year years yet you your zero zone zones
"""
MESSAGE_WORDS = frozenset(_WORDS.split())

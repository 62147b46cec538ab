-- Lists in lists unnested in several levels: the inner ones decide how many rows there are.
SELECT meter, unnest([[tags.phases, [9]], [[len(meter)]]], recursive := true) AS phase FROM meters ORDER BY ALL

"""What the columns of tables made in Python hold, for people; SQL says it beside each column."""

SOURCE_FILES = {
    "path": "The file, below the data folder.",
    "pattern": "The pattern of the source's SQL that it fits.",
    "sha256": "Hash of its content.",
    "bytes": "Its size.",
    "rows": "Its rows, malformed ones too; null where it cannot be read.",
    "malformed": "Rows with too many or too few fields.",
    "arrival": "When it was last changed, in UTC.",
    "status": "loaded, faulty (it cannot be read) or duplicate (another file has its content).",
    "duplicate_of": "The file that a duplicate repeats.",
    "fault": "What is wrong with a faulty file, and what to do.",
    "days": "The days of its events; empty for files that hold no events.",
}
RAW_ONLY = {
    "occurrences": "How many rows of the source say so, where it counts them: the most frequent stays.",
    "_fault": "Why the line could not be divided into its columns; null where it could.",
    "_row": "The line's text, where it could not.",
    "_day": "The day of the event, by which the table is divided.",
}
"""Columns that raw tables have and clean ones do not."""
EVALUATION = {
    "family": "The model family.",
    "kind": "Whether items that the customer had before are left out (new items) or not (with repeat purchases).",
    "level": "all, segment, fairness (how far NDCG lies apart between groups) or user.",
    "segment": "The column of user_profiles that customers are grouped by.",
    "member": "The group, or the customer.",
    "metric": "What is measured.",
    "k": "Length of the list that is judged; null for metrics of the whole catalogue, as AUC.",
    "value": "The metric's value.",
    "users": "How many customers it is a mean over.",
}
GATE = {
    "champion_before": "The family that was champion.",
    "challenger": "The family that stands against it.",
    "metric": "What they are compared by.",
    "champion_value": "The champion's mean over customers.",
    "challenger_value": "The challenger's mean over customers.",
    "difference": "Challenger minus champion.",
    "low": "Lower end of the difference's 95 % interval (paired bootstrap over customers).",
    "high": "Upper end of that interval.",
    "p": "How likely such a difference is by chance.",
    "users": "Customers compared.",
    "better": "Whether the whole interval lies above zero.",
    "promoted": "Whether the challenger is the new champion.",
    "reason": "Why, or why not.",
}
RECOMMENDATIONS = {
    "user_id": "The customer.",
    "rank": "Place in the customer's list, from 1.",
    "item_id": "The recommended item.",
    "title": "The item's name.",
    "score": "The champion's score; higher is better, to be compared within one customer only.",
    "reason": "Why, in words.",
    "like_item_id": "What the customer had that is most like it; null where there is nothing.",
    "cold": "Whether nothing was known of the customer, who therefore gets what is popular.",
}
SIMILAR_ITEMS = {
    "item_id": "The item.",
    "rank": "Place among those like it, from 1.",
    "similar_item_id": "An item like it.",
    "title": "That item's name.",
    "cosine": "How alike they are, 1 at most.",
}
USER_EMBEDDINGS = {"user_id": "The customer.", "vector": "The champion's vector of the customer."}
ITEM_EMBEDDINGS = {"item_id": "The item.", "vector": "The champion's vector of the item."}
TRIALS = {
    "trial": "Number of the trial; 0 has the family's own parameters.",
    "params": "The parameters tried, as JSON.",
    "ndcg": "NDCG@20 on validation; null where the fit failed.",
    "seconds": "How long the fit took.",
    "state": "Whether the fit was complete.",
    "error": "Why it was not.",
}

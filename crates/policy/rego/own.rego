# The organisation's own rules, from package `sluice.rules`.
#
# An entry is a text or an object with `message` and, where wanted, `rule`, `until`, `who`, `pass_if`.
package sluice.gate

entries := {
	"deny": data.sluice.rules.deny,
	"wait": data.sluice.rules.wait,
	"note": data.sluice.rules.note,
}

policy_reasons contains {
	"check": "policy",
	"effect": effect,
	"rule": object.get(fields, "rule", "policy.own"),
	"message": object.get(fields, "message", "a rule of the organisation speaks"),
	"until": object.get(fields, "until", null),
	"who": object.get(fields, "who", []),
	"pass_if": object.get(fields, "pass_if", ""),
} if {
	some effect, list in entries
	some entry in list
	some fields in array.concat([{"message": entry} | is_string(entry)], [entry | is_object(entry)])
}

policy_reasons contains {
	"check": "policy",
	"effect": "deny",
	"rule": "policy.malformed",
	"message": sprintf("an entry of `sluice.rules.%v` is neither a text nor an object", [effect]),
	"who": ["role:change_manager"],
	"pass_if": "the organisation's rule were repaired",
} if {
	some effect, list in object.union(entries, {"require": data.sluice.rules.require})
	some entry in list
	not is_string(entry)
	not is_object(entry)
}

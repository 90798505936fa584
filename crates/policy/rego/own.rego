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
	"message": sprintf("an entry of `sluice.rules.%v` is %v", [name, forms[name]]),
	"who": ["role:change_manager"],
	"pass_if": "the organisation's rule were repaired",
} if {
	some name in malformed
}

forms := {
	"deny": "neither a text nor an object",
	"wait": "neither a text nor an object",
	"note": "neither a text nor an object",
	"require": "neither the name of an approval rule nor an object with `rule` and, where wanted, `owed`",
	"risk": "no object with `points`, a number, and, where wanted, `because`, a text",
	"risk_level": "no object with `level`, one of low, medium, high and critical, and, where wanted, `because`, a text",
}

# An entry that is left out could have raised the risk or asked for an approval: nothing goes while there is one.
malformed contains effect if {
	some effect, list in entries
	some entry in list
	not is_string(entry)
	not is_object(entry)
}

malformed contains "require" if not reads_require

malformed contains "risk" if not reads_risk

malformed contains "risk_level" if not reads_risk_level

reads_require if {
	names := [entry | some entry in data.sluice.rules.require; is_string(entry)]
	objects := [entry | some entry in data.sluice.rules.require; is_object(entry); is_string(entry.rule); is_boolean(object.get(entry, "owed", true))]
	count(names) + count(objects) == count(data.sluice.rules.require)
}

reads_risk if count(risk_entries) == count(data.sluice.rules.risk)

reads_risk_level if count(level_entries) == count(data.sluice.rules.risk_level)

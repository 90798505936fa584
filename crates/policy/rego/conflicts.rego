# Conflicts: nothing else is being altered right now, and the service is not down.
package sluice.gate

conflicts_reasons contains {
	"check": "conflicts",
	"effect": "wait",
	"rule": "conflicts.running",
	"message": sprintf("%v is being deployed on `%v`", [conflict.change, conflict.service]),
	"until": object.get(conflict, "until", null),
	"who": array.concat([sprintf("team:%v", [conflict.owner]) | is_string(object.get(conflict, "owner", null))], ["role:change_manager"]),
	"pass_if": concat("; ", array.concat([sprintf("%v had ended", [conflict.change])], endings(conflict))),
} if {
	some conflict in input.conflicts
	conflict.running == true
}

# A run that was killed tells no outcome: its deployments end by themselves, or by whoever may edit the change.
endings(conflict) := [sprintf("where its run was killed, whoever may edit it ends it: %v, or on its page", [concat(", ", commands)]) |
	commands := [sprintf("`sluice deployment end %v --reason '...'`", [number]) | some number in object.get(conflict, "deployments", [])]
	count(commands) > 0
]

# Another change of the same service holds a pass: there is one slot, and it is taken until the pass ends.
conflicts_reasons contains {
	"check": "conflicts",
	"effect": hard.wait,
	"rule": "conflicts.slot",
	"message": sprintf("%v holds a pass for `%v`", [conflict.change, conflict.service]),
	"until": conflict.until,
	"pass_if": sprintf("%v were deployed, or its pass had ended", [conflict.change]),
} if {
	some conflict in input.conflicts
	conflict.running == false
	conflict.relation == "same"
}

conflicts_reasons contains {
	"check": "conflicts",
	"effect": "note",
	"rule": "conflicts.planned",
	"message": sprintf("%v on `%v` is planned", [conflict.change, conflict.service]),
} if {
	some conflict in input.conflicts
	conflict.running == false
	conflict.relation != "same"
}

conflicts_reasons contains {
	"check": "conflicts",
	"effect": "note",
	"rule": "conflicts.incident",
	"message": sprintf("incident %v (%v) is open on `%v`", [incident.id, incident.severity, incident.service]),
} if {
	some incident in input.incidents
}

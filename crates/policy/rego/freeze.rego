# Freeze: no freeze is in force, and where release windows are set, one of them is.
package sluice.gate

# What is being deployed already may go on to its end where the freeze says `finish`; other content under the same change
# is not that. With `hold` it stays where it is, and with `abort` it is told to undo what it has begun.
in_flight if {
	input.change.state == "implement"
	object.get(input.change, "under_way", false) == true
}

freeze_effects := object.union({"finish": "wait", "hold": "wait", "abort": "wait"}, {"finish": effect | some effect in ["note"]; in_flight})

freeze_words := {"finish": "", "hold": "", "abort": "; what is being deployed is to be aborted"}

freeze_reasons contains {
	"check": "freeze",
	"effect": freeze_effects[freeze.in_flight],
	"rule": "freeze.in_force",
	"message": sprintf("freeze `%v` is in force: %v%v", [freeze.title, freeze.reason, freeze_words[freeze.in_flight]]),
	"until": freeze.until,
	"who": freeze.grants,
	"pass_if": "the freeze had ended, or an exception were granted",
} if {
	some freeze in input.calendar.freezes
}

freeze_reasons contains {
	"check": "freeze",
	"effect": "note",
	"rule": "freeze.excepted",
	"message": sprintf("freeze `%v` is passed by an exception", [freeze.title]),
	"until": freeze.until,
} if {
	some freeze in input.calendar.excepted
}

freeze_reasons contains {
	"check": "freeze",
	"effect": "wait",
	"rule": "freeze.release_window",
	"message": "no release window is open",
	"until": input.calendar.release.next,
	"who": ["role:change_manager"],
	"pass_if": "a release window were open, or the change an emergency",
} if {
	input.calendar.release.state == "outside"
	not emergency
}

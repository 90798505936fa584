# Freeze: no freeze is in force, and where release windows are set, one of them is.
package sluice.gate

candidates contains {
	"check": "freeze",
	"effect": "wait",
	"rule": "freeze.in_force",
	"message": sprintf("freeze `%v` is in force: %v", [freeze.title, freeze.reason]),
	"until": freeze.until,
	"who": freeze.grants,
	"pass_if": "the freeze had ended, or an exception were granted",
} if {
	some freeze in input.calendar.freezes
}

candidates contains {
	"check": "freeze",
	"effect": "note",
	"rule": "freeze.excepted",
	"message": sprintf("freeze `%v` is passed by an exception", [freeze.title]),
	"until": freeze.until,
} if {
	some freeze in input.calendar.excepted
}

candidates contains {
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

# Stop: while a stop is in force, nothing goes, emergencies neither.
package sluice.gate

stop_reasons contains {
	"check": "stop",
	"effect": "deny",
	"rule": "stop.in_force",
	"message": sprintf("stop %v is in force: %v", [stop.id, stop.reason]),
	"who": ["role:change_manager", "role:administrator"],
	"pass_if": "the stop were lifted, or an exception granted",
} if {
	some stop in input.stops
}

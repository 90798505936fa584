# Registration: service, environment and repository are declared, and belong together.
package sluice.gate

known if {
	input.registration.service == true
	input.registration.environment == true
	input.registration.runs_there == true
	input.registration.repository == true
	count(input.registration.unknown_services) == 0
}

controlled if input.registration.controlled == true

registration_reasons contains {
	"check": "registration",
	"effect": "deny",
	"rule": "registration.service",
	"message": sprintf("service `%v` is not declared", [input.question.service]),
	"who": ["role:administrator"],
	"pass_if": "the service were declared in the organisation",
} if {
	input.registration.service == false
}

registration_reasons contains {
	"check": "registration",
	"effect": "deny",
	"rule": "registration.environment",
	"message": sprintf("environment `%v` is not declared", [input.question.environment]),
	"who": ["role:administrator"],
	"pass_if": "the environment were declared in the organisation",
} if {
	input.registration.environment == false
}

registration_reasons contains {
	"check": "registration",
	"effect": "deny",
	"rule": "registration.runs_there",
	"message": sprintf("service `%v` is not declared to run in `%v`", [input.question.service, input.question.environment]),
	"who": owners,
	"pass_if": "the service's declaration named the environment",
} if {
	input.registration.service == true
	input.registration.environment == true
	input.registration.runs_there == false
}

registration_reasons contains {
	"check": "registration",
	"effect": "deny",
	"rule": "registration.repository",
	"message": sprintf("repository `%v` is none of service `%v`", [object.get(input.question, "repository", "?"), input.question.service]),
	"who": owners,
	"pass_if": "the service's declaration named the repository",
} if {
	input.registration.service == true
	input.registration.repository == false
}

registration_reasons contains {
	"check": "registration",
	"effect": "deny",
	"rule": "registration.services",
	"message": sprintf("service `%v` goes along and is not declared", [service]),
	"who": ["role:administrator"],
	"pass_if": "every service of the run were declared in the organisation",
} if {
	some service in input.registration.unknown_services
}

owners contains sprintf("team:%v", [input.registration.owner]) if input.registration.owner != null

package infer

import (
	"fmt"
	"slices"
)

// suspicion says why a field may hold what is about a person. What it says holds nothing of the data.
type suspicion struct {
	label  string // an e-mail address
	strong bool   // it is pseudonymised until somebody says otherwise
	why    string
}

// Those whose name is a person's.
var people = []string{"user", "customer", "author", "person", "contact", "owner", "employee", "patient", "member", "sender", "recipient",
	"receiver", "debtor", "creditor", "client", "buyer", "seller", "student", "driver", "passenger", "guest", "holder", "cardholder",
	"manager", "assignee", "reporter", "reviewer", "participant", "people", "persons", "profile", "billing", "shipping", "beneficiary",
	"tenant", "applicant", "candidate", "teacher", "doctor", "nurse", "subscriber", "payer", "payee", "users", "customers", "contacts",
	"authors", "members", "employees", "patients", "mentions", "friends", "followers", "signatory", "attendee", "attendees"}

// What a field about an address is called that holds none: email_verified.
var about = []string{"count", "verified", "status", "type", "domain", "sent", "id", "ids", "opt", "version", "confirmed", "valid", "at", "enabled",
	"kind", "preference", "provider", "label", "code", "country", "hash", "total", "number"}

const (
	birthLabel  = "a date of birth"
	personLabel = "a person's name"
)

// byName is what a field's name says, given the words of the objects around it.
func byName(w, around []string) suspicion {
	s := suspicion{strong: true}
	joined := func(pairs ...[2]string) bool {
		return slices.ContainsFunc(pairs, func(p [2]string) bool {
			for i := 1; i < len(w); i++ {
				if w[i-1] == p[0] && w[i] == p[1] {
					return true
				}
			}
			return false
		})
	}
	switch {
	case oneOf(w, "email", "mail", "emails", "mails"):
		s.label = "an e-mail address"
	case oneOf(w, "ip", "ipv4", "ipv6", "ipaddr", "ipaddress", "ips") || joined([2]string{"remote", "addr"}):
		s.label = "an IP address"
	case oneOf(w, "ssn", "passport", "iban", "cvv", "cvc", "nino", "bsn", "pesel", "cpf", "aadhaar") || joined([2]string{"tax", "id"},
		[2]string{"national", "id"}, [2]string{"social", "security"}, [2]string{"credit", "card"}, [2]string{"card", "number"}, [2]string{"account", "number"}):
		s.label = "a number of a person's papers or accounts"
		return s // whose name may end in id or number
	case oneOf(w, "phone", "phones", "mobile", "telephone", "tel", "fax", "msisdn", "cell", "cellphone", "whatsapp", "phonenumber"):
		s.label = "a phone number"
		if last(w) == "number" {
			return s
		}
	case oneOf(w, "password", "passwd", "secret", "apikey") || joined([2]string{"api", "key"}, [2]string{"access", "token"}, [2]string{"refresh", "token"}):
		s.label = "a secret"
	case oneOf(w, "surname", "forename", "firstname", "lastname", "fullname", "username", "nickname", "login", "handle", "realname") ||
		oneOf([]string{last(w)}, "name", "names") && (oneOf(w, "first", "last", "full", "given", "family", "sur", "middle", "maiden", "screen", "real", "nick", "legal") || oneOf(w, people...)) ||
		oneOf([]string{last(w)}, "name", "names") && len(w) == 1 && oneOf(around, people...):
		s.label = personLabel
	case oneOf(w, "birthdate", "birthday", "dob", "dateofbirth") || joined([2]string{"birth", "date"}, [2]string{"date", "of"}) && oneOf(w, "birth"):
		s.label = birthLabel
	case oneOf(w, "address", "addresses", "addr", "address1", "address2", "street", "streets", "postcode", "zip", "zipcode", "postal", "postalcode"):
		s.label = "a postal address"
	default:
		s.strong = false
		switch {
		case oneOf(w, "lat", "lon", "lng", "latitude", "longitude", "geo", "location", "city", "town", "coordinates"):
			s.label = "where somebody is"
		case oneOf(w, "gender", "sex", "religion", "ethnicity", "nationality", "salary", "income", "diagnosis", "health", "birth"):
			s.label = "something about a person"
		case oneOf(w, "device", "cookie", "session", "token", "fingerprint", "account", "imei", "mac"):
			s.label = "an identifier of a person's account or device"
		case oneOf(w, "name", "names") || oneOf([]string{last(w)}, "by") || oneOf([]string{last(w)}, people...):
			s.label = personLabel
		default:
			return suspicion{}
		}
	}
	if s.strong && oneOf([]string{last(w)}, about...) {
		s.strong = false
	}
	s.why = "by the field's name"
	return s
}

// shapeRules are what shapes of strings say, with the share of values from which it is believed.
var shapeRules = []struct {
	shape shape
	label string
	looks string
	share float64
}{
	{emailShape, "an e-mail address", "an e-mail address", 0.1},
	{phoneShape, "a phone number", "a phone number", 0.5},
	{addressShape, "an IP address", "an IP address", 0.5},
	{ibanShape, "a number of a person's papers or accounts", "an IBAN", 0.5},
	{cardShape, "a number of a person's papers or accounts", "the number of a card", 0.5},
	{postalShape, "a postal address", "a postal address", 0.5},
}

// byShape is what the strings look like.
func byShape(x *texts) suspicion {
	if x.n == 0 {
		return suspicion{}
	}
	var weak suspicion
	for _, r := range shapeRules {
		n := x.shapes[r.shape]
		if n == 0 {
			continue
		}
		s := suspicion{label: r.label, strong: float64(n) >= r.share*float64(x.n),
			why: fmt.Sprintf("looks like %s in %s", r.looks, share(n, x.n, "value"))}
		if s.strong {
			return s
		}
		if weak.label == "" {
			weak = s
		}
	}
	if x.inside > 0 {
		s := suspicion{label: "an e-mail address", strong: float64(x.inside) >= 0.2*float64(x.n),
			why: fmt.Sprintf("has an e-mail address within its text in %s", share(x.inside, x.n, "value"))}
		if s.strong || weak.label == "" {
			return s
		}
	}
	return weak
}

// suspect is what a field's name and its values say together.
func suspect(n *node, w, around []string) suspicion {
	shape := byShape(&n.strings)
	if _, _, ok := n.strings.timestamp(); ok || n.strings.dates == n.strings.n { // 01/02/2020 looks like a phone number, too
		shape = suspicion{}
	}
	if shape.strong {
		return shape
	}
	name := byName(w, around)
	text := n.strings.n
	// Strings or numbers can be an address; flags and times are about one.
	if name.strong && text == 0 && !(n.numbers.n > 0 && n.numbers.integers == n.numbers.n) {
		name.strong = false
	}
	persons := n.strings.shapes[personShape]
	if name.label == personLabel && !name.strong && text > 0 && 2*persons >= text && (oneOf(w, "by") || oneOf(w, people...) || oneOf(around, people...) || 10*persons >= 9*text) {
		name.strong = true
		name.why += fmt.Sprintf(", and %s are words with capitals", share(persons, text, "value"))
	}
	switch {
	case name.strong:
		return name
	case shape.label != "":
		return shape
	case name.label == personLabel && text == 0:
		return suspicion{}
	}
	return name
}

// within is the strongest suspicion about what is inside a value that is kept whole.
func within(n *node, w, around []string) suspicion {
	best := suspect(n, w, around)
	if n.deep {
		return best
	}
	consider := func(k *node, words []string) {
		if s := within(k, words, append(slices.Clone(around), w...)); !best.strong && (s.strong || best.label == "") && s.label != "" {
			best = s
			best.why += ", inside it"
		}
	}
	for _, k := range n.kids {
		if isData(k.key) {
			switch {
			case best.strong:
			case isPersonalKey(k.key):
				best = suspicion{"personal", true, "keys inside it look like addresses"}
			case oneOf(w, people...):
				best = suspicion{"personal", true, "keys inside it look like ids, and by its name of persons"}
			}
			consider(k, nil)
			continue
		}
		consider(k, words(k.key))
	}
	if n.items != nil {
		consider(n.items, w)
	}
	if n.rest != nil {
		consider(n.rest, nil)
		if !best.strong {
			best = suspicion{"personal", true, "it is filed under keys that may be names or ids of persons"}
		}
	}
	return best
}

// isPersonalKey says whether a key is an address itself.
func isPersonalKey(key string) bool {
	switch shapeOf([]byte(key)) {
	case emailShape, phoneShape, addressShape, ibanShape, cardShape, postalShape:
		return true
	}
	return false
}

// share is a part of something: few are counted, and of many it is 0 % or 100 % only if it is.
func share(n, of int64, what string) string {
	const few = 100
	if n == of {
		return "all " + what + "s"
	}
	if of <= few {
		return fmt.Sprintf("%d of %d %ss", n, of, what)
	}
	p := float64(n) * 100 / float64(of)
	switch {
	case p > 99.9:
		return "more than 99.9 % of " + what + "s"
	case p < 0.1:
		return "less than 0.1 % of " + what + "s"
	}
	return fmt.Sprintf("%.1f %% of %ss", p, what)
}

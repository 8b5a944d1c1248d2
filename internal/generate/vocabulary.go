package generate

import "strings"

// countries are those of the real data, with the number of records in a thousand of each.
var countries = []struct {
	records int
	names   string // several of the same number, separated by commas
}{
	{175, "China"}, {126, "Indonesia"}, {58, "Russia"}, {55, "Philippines"}, {40, "Brazil,Poland"}, {32, "France"},
	{28, "Portugal"}, {21, "Colombia"}, {20, "United States,Sweden,Ukraine"}, {18, "Canada"}, {15, "Peru"},
	{13, "Argentina,Mexico"}, {12, "Greece,Japan"}, {11, "Czech Republic,Thailand"},
	{9, "Serbia,Iran,Nigeria,Albania"}, {8, "Finland,Honduras,South Africa"},
	{6, "Armenia,Yemen,Netherlands,Croatia"}, {5, "Morocco,Germany,Norway"},
	{4, "Mongolia,Pakistan,Venezuela,Latvia,Guatemala,South Korea,Vietnam,Slovenia,Azerbaijan"},
	{3, "Zambia,Ivory Coast,Malaysia,Central African Republic,North Korea,El Salvador,Cuba,Tunisia,Micronesia," +
		"Palestinian Territory,Ethiopia,Tanzania,Ireland,Bolivia,Mali,Georgia,Chile"},
	{2, "Nepal,Bosnia and Herzegovina,Niger,Egypt,Nicaragua,Estonia,Mauritius,Gambia,Libya," +
		"Democratic Republic of the Congo,Tonga,Tajikistan,Uganda,Belarus,Haiti,Cameroon,Hungary," +
		"Dominican Republic,Macedonia"},
	{1, "Syria,Lithuania,Moldova,Kenya,Panama,Paraguay,Bulgaria,Aland Islands,Israel,United Kingdom," +
		"American Samoa,Kuwait,East Timor,Angola,Jamaica,Myanmar,Burundi,Denmark,Kazakhstan,Cyprus,Faroe Islands," +
		"Luxembourg,Senegal,Sint Maarten,Somalia,Afghanistan,Vanuatu,New Zealand,Mayotte,Bahamas,Malawi," +
		"Saudi Arabia,Uzbekistan,Burkina Faso,Sri Lanka,Kyrgyzstan"},
}

// countrySlots names each country as often as it has records in a thousand.
func countrySlots() []string {
	var slots []string
	for _, c := range countries {
		for name := range strings.SplitSeq(c.names, ",") {
			for range c.records {
				slots = append(slots, name)
			}
		}
	}
	return slots
}

// Genera and epithets of animals. They are paired by arithmetic, so that most of the species do not exist.
const (
	genera = "Accipiter Alcedo Antilope Bubalus Calidris Canis Capra Cervus Chelodina Ciconia Corvus Crocuta " +
		"Cygnus Dasyurus Egretta Equus Eudyptes Falco Felis Gazella Gekko Genetta Grus Haliaetus Hystrix Iguana " +
		"Lacerta Lamprotornis Larus Lemur Lepus Loxia Macropus Marmota Martes Milvus Naja Nasua Ovis Panthera " +
		"Pelecanus Phoca Python Rangifer Sciurus Spheniscus Sterna Tapirus Ursus Varanus"
	epithets = "abyssinica africana agilis alba albicollis alpina americana antarctica arctica asiatica aurea " +
		"australis borealis bicolor brasiliensis caerulea canadensis capensis cinerea cristata dorsalis elegans " +
		"ferruginea fulva gigantea glacialis gracilis grisea indica javanica leucocephala lutea maculata magna " +
		"maritima melanotis mexicana minor montana nigra novaehollandiae occidentalis orientalis pallida punctata " +
		"rufa rupestris striata sylvestris vulgaris"
	species     = 499
	unavailable = 8 // slots of the name that stands for none: 8 of 507 are 1.6 %
)

// widgetHeads has, for each slot of the widget names, the JSON object up to the amount.
func widgetHeads() []string {
	genera, epithets := strings.Fields(genera), strings.Fields(epithets)
	head := func(name string) string { return `{"name":"` + name + `","amount":` }
	var heads []string
	for n := range species {
		genus, round := n%len(genera), n/len(genera)
		heads = append(heads, head(genera[genus]+" "+epithets[(genus*7+round*5)%len(epithets)]))
	}
	for range unavailable {
		heads = append(heads, head("unavailable"))
	}
	return heads
}

// surnames are an onset and an ending each.
func surnames() []string {
	onsets := strings.Fields("al ar bar bel ber bran cal car chap clif cor cul dal den dor dra el fair fen fin " +
		"gar gil glen gran hal har hed hol ing jar kel ken kir lam lang lin lor mac mar mel mor nor oak or pad " +
		"pem per quin ra red rin ros san sel shel sol stan sto tal thor ul ver wal wes win yar")
	endings := strings.Fields("berg bin bury by combe croft dale den don er feld ford gard ham hurst kin land " +
		"ley lock low man mere mont more ney ridge sett son stead ston ton vale wick wood worth")
	var names []string
	for _, onset := range onsets {
		for _, ending := range endings {
			names = append(names, onset+ending)
		}
	}
	return names
}

// domains are under the names reserved for examples by RFC 2606, each with its @.
func domains() []string {
	hosts := strings.Fields("acorn anchor atlas aurora basalt beacon birch canyon cedar cobalt comet coral delta " +
		"ember fjord garnet harbor heron indigo juniper lagoon lantern maple meadow nimbus onyx orchard prairie " +
		"quartz raven saffron tundra willow zephyr")
	parents := strings.Fields("example.com example.org example.net example test")
	var domains []string
	for _, host := range hosts {
		for _, parent := range parents {
			domains = append(domains, "@"+host+"."+parent)
		}
	}
	return domains
}

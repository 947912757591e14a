"""The invented people, cities, projects and rounds of the demo. All names end in `.example`, where nobody lives."""

from __future__ import annotations

from dataclasses import dataclass

from fundflow.story import Project

ZONE = "America/New_York"
CURRENCY = "EUR"


@dataclass(frozen=True, slots=True)
class Person:
    """An invented person: where they belong, and what to look at when signed in as them."""

    email: str
    name: str
    part: str
    language: str = "en"
    zone: str = "UTC"


FUND = {
    "fund-managers": [
        Person("ines@fund.example", "Ines Keller", "fund manager", zone="Europe/Brussels"),
        Person("tomas@fund.example", "Tomas Okafor", "fund manager", zone="Africa/Lagos"),
    ],
    "reviewers": [
        Person("ruth@fund.example", "Ruth Adeyemi", "reviewer", zone="Africa/Lagos"),
        Person("kenji@fund.example", "Kenji Watanabe", "reviewer", zone="Asia/Tokyo"),
        Person("lucia@fund.example", "Lucía Ferrer", "reviewer", zone="America/Bogota"),
        Person("samir@fund.example", "Samir Haddad", "reviewer", "fr", "Africa/Tunis"),
    ],
    "committee-chairs": [Person("elena@fund.example", "Elena Petrova", "chair of the committee", zone="Europe/Sofia")],
    "compliance": [Person("jonas@fund.example", "Jonas Lindqvist", "compliance", zone="Europe/Stockholm")],
    "directors": [Person("adaeze@fund.example", "Adaeze Obi", "director of the fund", zone="Africa/Nairobi")],
    "finance": [Person("mette@fund.example", "Mette Larsen", "finance officer", zone="Europe/Copenhagen")],
    "auditors": [Person("paul@fund.example", "Paul Njoroge", "auditor", zone="Africa/Nairobi")],
    "administrators": [Person("ada@fund.example", "Ada Brandt", "administrator", zone="Europe/Berlin")],
}


FOLLOWER = Person(
    "rosa@alder.example", "Rosa Albrecht", "follows the money of the Alder Foundation", zone="Europe/Zurich"
)

LINES = (
    ("Alder Foundation", "Alder, first contribution", "AF-2031", 60),
    ("Norland Development Agency", "Norland, cities and people", "NDA/44-7", 40),
)
"""The invented donors with their lines in every window, and how much in a hundred of each budget they bear."""


@dataclass(frozen=True, slots=True)
class Place:
    """An invented city with its team."""

    name: str
    country: str
    kind: str
    population: int
    languages: tuple[str, ...]
    latitude: str
    longitude: str
    team: tuple[tuple[Person, str], ...]


def _team(
    domain: str, lead: str, lead_first: str, language: str, zone: str, *others: tuple[str, str, str]
) -> tuple[tuple[Person, str], ...]:
    people = [(Person(f"{lead_first}@{domain}.example", lead, "focal point", language, zone), "focal_point")]
    parts = {"finance_officer": "finance officer of a city", "signatory": "signatory of a city"}
    people += [
        (Person(f"{first}@{domain}.example", name, parts[duty], language, zone), duty) for first, name, duty in others
    ]
    return tuple(people)


PLACES = {
    "saint-amary": Place(
        "Saint-Amary",
        "SN",
        "city",
        184_000,
        ("fr",),
        "14.21",
        "-16.02",
        _team(
            "saint-amary",
            "Amara Diallo",
            "amara",
            "fr",
            "Africa/Dakar",
            ("ousmane", "Ousmane Faye", "finance_officer"),
            ("awa", "Awa Ndoye", "signatory"),
        ),
    ),
    "puerto-lindero": Place(
        "Puerto Lindero",
        "CO",
        "municipality",
        96_500,
        ("es",),
        "10.31",
        "-75.12",
        _team(
            "puerto-lindero", "Camila Rojas", "camila", "en", "America/Bogota", ("andres", "Andrés Mejía", "signatory")
        ),
    ),
    "vila-aurora": Place(
        "Vila Aurora",
        "MZ",
        "municipality",
        231_000,
        ("pt",),
        "-19.60",
        "34.70",
        _team(
            "vila-aurora",
            "Joana Macuácua",
            "joana",
            "en",
            "Africa/Maputo",
            ("helder", "Hélder Simango", "finance_officer"),
        ),
    ),
    "kesmara": Place(
        "Kesmara",
        "KE",
        "county",
        512_000,
        ("en", "sw"),
        "0.52",
        "35.27",
        _team("kesmara", "Peter Kiprono", "peter", "en", "Africa/Nairobi", ("grace", "Grace Chebet", "signatory")),
    ),
    "tell-marwan": Place(
        "Tell Marwan",
        "JO",
        "municipality",
        143_000,
        ("ar", "en"),
        "32.05",
        "36.09",
        _team("tell-marwan", "Rania Khoury", "rania", "en", "Asia/Amman"),
    ),
    "novohrad": Place(
        "Novohradivka",
        "UA",
        "territorial_community",
        21_300,
        ("uk",),
        "48.88",
        "26.86",
        _team("novohrad", "Oksana Lysenko", "oksana", "en", "Europe/Kyiv"),
    ),
    "san-telmo-del-valle": Place(
        "San Telmo del Valle",
        "EC",
        "municipality",
        67_800,
        ("es",),
        "-1.02",
        "-79.46",
        _team("san-telmo", "Diego Paredes", "diego", "en", "America/Guayaquil"),
    ),
    "batu-indah": Place(
        "Batu Indah",
        "PH",
        "city",
        318_000,
        ("en", "tl"),
        "14.61",
        "121.03",
        _team("batu-indah", "Maria Santos", "maria", "en", "Asia/Manila", ("jose", "José Reyes", "signatory")),
    ),
}

PROJECTS = {
    "saint-amary": Project(
        "A one-stop desk for newcomers at the fish market",
        "services",
        "40000",
        900,
        "Newcomers from the coast and from inland villages reach the market before they reach any office. The desk "
        "gives advice on papers, school places and health care in four languages, two mornings and three evenings a week.",
    ),
    "puerto-lindero": Project(
        "Neighbourhood kitchens run by migrant and local women",
        "work",
        "32500.50",
        420,
        "Six kitchens cook school meals together. Women who arrived last year learn food hygiene and bookkeeping beside "
        "women who have lived here for decades, and both are paid.",
    ),
    "vila-aurora": Project(
        "Cyclone-safe homes: training returned families as builders",
        "climate",
        "48000",
        650,
        "Families who came back after the cyclone learn to rebuild with bracing and tied roofs. Every second trainee is "
        "a woman, and each crew repairs the house of a neighbour who cannot build.",
    ),
    "kesmara": Project(
        "Safe evening transport for market women",
        "services",
        "27800",
        1500,
        "The last buses leave at six and the market closes at eight. A subsidised evening line serves the two settlements "
        "where most refugees live, with stops chosen by the women who will use it.",
    ),
    "tell-marwan": Project(
        "A music and homework club in every second school",
        "children",
        "36400",
        780,
        "Afternoon clubs bring Syrian, Iraqi and Jordanian children together around music and homework. Parents take turns "
        "as hosts, and teachers get an hour a week for children who fell behind.",
    ),
    "novohrad": Project(
        "Legal papers week for displaced families",
        "services",
        "18900",
        1100,
        "Many families lost documents on the way. Four times a year lawyers, the registry and the bank sit in one hall "
        "for a week, with child care and a bus from the villages.",
    ),
    "san-telmo-del-valle": Project(
        "River clean-up crews with paid places for newcomers",
        "climate",
        "29750",
        240,
        "Crews of ten clear the river before the rains. Half of the places go to people who arrived in the last two years; "
        "each crew leader is trained to supervise and certified by the province.",
    ),
    "batu-indah": Project(
        "Coming home: a desk for returning overseas workers",
        "work",
        "44000",
        1300,
        "Workers who come home find a desk that knows both worlds: savings, skills certificates, small loans, and a group "
        "that meets on Sundays, when the families can come too.",
    ),
}

REPORTED = Project(
    "Bilingual front desks at three health posts",
    "services",
    "24000",
    800,
    "Each health post hires and trains two people who speak the newcomers' languages, and rewrites its forms with them.",
)
PAID = Project(
    "A seed library for newcomer gardeners",
    "work",
    "21500",
    310,
    "Unused land along the canal becomes sixty gardens. Families lend and return seeds, and sell together on Saturdays.",
)
TURNED_DOWN = Project(
    "A city app for everything",
    "services",
    "49000",
    100,
    "One app would hold all services of the city for all newcomers.",
)

LIMITS = {
    "small-grant": (CURRENCY, "10000", "50000"),
    "global-cities-fund": ("USD", "100000", "500000"),
}
"""Currency, smallest and largest grant of each workflow."""
PRESENT = {
    "welcoming-cities-1": 420,
    "welcoming-cities-2": 36,
    "climate-and-displacement": 3,
    "global-cities-fund": 0,
}
"""How many days before the real present each round is created."""
WINDOWS = {
    "Global Cities Fund": "Large projects of two years, in two stages",
    "Welcoming cities": "Services, work and belonging for people who arrive",
    "Climate and displacement": "When the weather moves people",
}
SUMMARIES = {
    "welcoming-cities-1": "Small grants for city governments that open their services to newcomers.",
    "welcoming-cities-2": "Small grants for city governments that plan and decide together with newcomers.",
    "climate-and-displacement": "Small grants for city governments where the climate makes people move.",
    "global-cities-fund": "Large grants over two years, for city governments and the people who arrive in them.",
}
TEXT = """City governments everywhere receive people who move: for work, for safety, because the sea or the drought came. This round pays for first steps that a city can take within a year, with the people concerned at the table.

Any city, municipality, county or district government may apply, of any size and from any country. Small and new teams are welcome: the form takes about two hours, every question can be read beforehand, and a draft may wait as long as the round is open. One application for each city.

The grant is paid in one sum to the city's own account after both sides have signed. One report is due after a year."""

LARGE_TEXT = """A large project begins with one idea on two pages. Every city receives a written answer to it, whatever is decided, and those invited write a full proposal within ten weeks.

A committee scores the proposals and the director decides. Before anything is signed the fund checks the city's account; then both sides sign, and the grant is paid in parts as the conditions of the plan are met.

Any city, municipality, county or district government may apply. One application for each city."""
TEXTS = {"small-grant": TEXT, "global-cities-fund": LARGE_TEXT}

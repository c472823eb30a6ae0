"""Invented words for the sample items: genres with their strands, places, people and phrases."""

# genre: its three strands, things its titles speak of, people its descriptions speak of
GENRES: dict[str, tuple[list[str], list[str], list[str]]] = {
    "Mystery": (
        ["Village mystery", "Police procedural", "Cold case"],
        ["Ledger", "Locksmith", "Alibi", "Weathercock", "Witness", "Postmistress", "Inkwell"],
        ["a retired postmistress", "a tired inspector", "a clockmaker", "a village doctor"],
    ),
    "Science fiction": (
        ["Deep space", "Near future", "Time puzzle"],
        ["Orbit", "Signal", "Airlock", "Satellite", "Automaton", "Meridian", "Antenna"],
        ["a signal engineer", "a ship's cook", "a cloned botanist", "the last archivist"],
    ),
    "Romance": (
        ["Second chances", "Letters and distance", "Workplace love"],
        ["Rendezvous", "Umbrella", "Promise", "Waltz", "Honeysuckle", "Postcard", "Apricot"],
        ["a shy violin maker", "a divorced baker", "a night nurse", "a ferry pilot"],
    ),
    "Historical": (
        ["Court intrigue", "Wartime", "Seafaring"],
        ["Regiment", "Armada", "Seamstress", "Cartographer", "Garrison", "Envoy", "Topsail"],
        ["a seamstress", "a young envoy", "a ship's carpenter", "a mapmaker's widow"],
    ),
    "Fantasy": (
        ["Quest", "Court of magic", "Folk tale"],
        ["Griffin", "Spellwright", "Thornwood", "Moonstone", "Ferryman", "Wyrm", "Candlemage"],
        ["a runaway apprentice", "a hedge witch", "a knight without a horse", "a ferryman"],
    ),
    "Thriller": (
        ["Heist", "Spy story", "Survival"],
        ["Cipher", "Courier", "Safehouse", "Getaway", "Blackout", "Informant", "Tripwire"],
        ["a retired safecracker", "a courier", "a border guard", "an interpreter"],
    ),
    "Comedy": (
        ["Family farce", "Office satire", "Mistaken identity"],
        ["Casserole", "Accordion", "Brochure", "Trombone", "Reunion", "Parrot", "Memorandum"],
        ["an unlucky caterer", "a forgotten cousin", "a deputy mayor", "a substitute teacher"],
    ),
    "Coming of age": (
        ["School years", "First summer", "Leaving home"],
        ["Bicycle", "Notebook", "Orchard", "Lighthouse", "Timetable", "Treehouse", "Suitcase"],
        ["a girl of fourteen", "a younger brother", "the new boy", "a goalkeeper of sixteen"],
    ),
    "Nature": (
        ["Mountains", "Rivers and sea", "Animals"],
        ["Heron", "Glacier", "Estuary", "Badger", "Larch", "Tideline", "Snowfield"],
        ["a bird ringer", "a shepherd", "a marine biologist", "a forest ranger"],
    ),
    "Music": (
        ["Jazz life", "Orchestra", "Garage band"],
        ["Saxophone", "Encore", "Metronome", "Oboe", "Jukebox", "Nocturne", "Drumbeat"],
        ["a second oboist", "a bass player", "a piano tuner", "a radio host"],
    ),
    "Sport": (
        ["Cycling", "Team game", "Endurance"],
        ["Peloton", "Scoreboard", "Marathon", "Goalpost", "Regatta", "Sprint", "Relay"],
        ["a reserve goalkeeper", "a veteran cyclist", "a rowing coach", "a fell runner"],
    ),
    "Travel": (
        ["Rail journeys", "Island life", "Desert road"],
        ["Caravan", "Sleeper", "Signpost", "Archipelago", "Milestone", "Oasis", "Harbour"],
        ["a sleeping-car attendant", "a geologist", "a lost tourist", "a bus driver"],
    ),
}

PLACES = [
    "Veldmere", "Harrowick", "Ostrel", "Pendlow", "Marrowby", "Quillan Bay", "Tarnhold",
    "Luminster", "Brackwater", "Saint Orrin", "Fallowmere", "Dunmarrow", "Kessary", "Ivelcombe",
    "Norrington Quay", "Ashgrave", "Colbrook", "Wexmoor", "Tolvane", "Embercote", "Rushdale",
    "Mirefield", "Sorrelby",
    "Candlewick Row", "Oldenmouth", "Perrault Street", "Zennick", "Hallowford", "Little Varrow",
    "Cape Ilmar", "Bellhaven", "Gorsedown", "Thistleby", "Lake Ondra", "Vantry", "Murrenfall",
]  # fmt: skip

ADJECTIVES = [
    "Borrowed", "Crooked", "Patient", "Salt-White", "Moonlit", "Unhurried", "Copper", "Lopsided",
    "Sleepless", "Paper", "Velvet", "Stubborn", "Hollow", "Thirteenth", "Tin", "Whispering",
    "Amber", "Forgetful", "Northern", "Slow", "Painted", "Restless", "Quiet", "Second-Hand",
]  # fmt: skip

NAMES = [
    "Adela", "Bram", "Corin", "Doreth", "Elwin", "Fenna", "Gideon", "Hesper", "Imre", "Jolanda",
    "Kasimir", "Liesel", "Maarten", "Nerys", "Odile", "Perrin", "Rosalind", "Soren", "Tamsin",
    "Ulla", "Viggo", "Wanda", "Yorick", "Zelda",
]  # fmt: skip

BOOK_PATTERNS = [
    "The {adjective} {thing} of {place}", "{name}'s {adjective} {thing}", "A {thing} for {name}",
    "What the {thing} Knew in {place}", "The {things} of {place}", "Letters to {name} from {place}",
    "{name} and the {adjective} {thing}", "Seven Winters in {place}", "The {place} {thing}",
    "How {name} Lost the {thing}", "{thing} Weather, {place}",
]  # fmt: skip

FILM_PATTERNS = [
    "{place} {thing}", "The {adjective} {thing}", "{name} at {place}", "Midnight {thing}, {place}",
    "{name} Takes the {thing}", "Return to {place}", "{adjective} {thing}", "Goodbye, {place}",
    "{name} & the {thing}", "One {adjective} {thing}", "Last {thing} in {place}",
]  # fmt: skip

HOOKS = [
    "finds a letter that was never posted", "has one week to put an old mistake right",
    "inherits a house with a locked room", "meets a stranger who knows too much",
    "makes a bet that cannot be won", "returns after twenty years away",
    "keeps a secret for the whole town", "takes the wrong coat and another life with it",
    "must choose between two promises", "starts again with nothing but a suitcase",
    "discovers what the neighbours have been hiding", "follows a rumour further than is wise",
]  # fmt: skip

PRODUCTS = [
    "Kettle", "Desk lamp", "Notebook", "Rain jacket", "Backpack", "Headphones", "Water bottle",
    "Camp stove", "Wall clock", "Tool set", "Picture frame", "Door mat", "Tea towel", "Hand drill",
]  # fmt: skip

SUBJECTS = [
    "Bookkeeping", "Watercolour", "Statistics", "Bread baking", "Carpentry", "Photography",
    "Public speaking", "Gardening", "Spanish", "Web design", "First aid", "Project planning",
]  # fmt: skip

FINISHES = [
    "in slate", "in oak", "in copper", "in linen", "in moss green", "in clay", "in chalk",
    "in navy", "in rust", "in pearl", "in cork", "in steel", "in bamboo", "in wool",
    "in plum", "in sand",
]  # fmt: skip

LEVELS = ["for beginners", "step by step", "for teams", "in a weekend", "in depth", "at home"]

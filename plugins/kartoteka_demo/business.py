"""What the group's customers buy, ask and talk about, and the words for it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Ware:
    """Something sold; ``{n}`` in ``text`` takes a number, ``unit_price`` is in euro."""

    text: str
    low: int
    high: int
    step: int
    unit_price: int
    need: str


WARES = (
    Ware("Rental fleet of {n} pairs of skis", 40, 240, 20, 265,
         "The old fleet is seven seasons old and bindings no longer pass the test."),
    Ware("Helmets for {n} guests", 50, 400, 50, 48,
         "Their insurer asks for helmets in every course from next winter on."),
    Ware("Boot-fitting station with {n} places", 1, 4, 1, 7800,
         "Guests wait half an hour for boots on Saturday mornings."),
    Ware("Snow gun service for {n} seasons", 1, 4, 1, 14500,
         "Two guns failed during the Christmas week."),
    Ware("Ski pass readers for {n} gates", 2, 14, 2, 3900,
         "The present gates do not read passes through a jacket."),
    Ware("Winter retreat for {n} people", 20, 160, 10, 410,
         "A yearly staff meeting with two days on the slopes."),
    Ware("Uniforms for {n} instructors", 10, 60, 5, 320,
         "The school changes its colours with the new owner."),
    Ware("Sharpening and waxing machine, {n} year of service", 1, 1, 1, 23800,
         "Skis are sent away for service today, which takes three days."),
    Ware("Lodge booking for {n} weeks", 4, 20, 2, 2600,
         "They sell packages and want rooms that are theirs all season."),
    Ware("Avalanche training for {n} guides", 6, 30, 4, 290,
         "Guides have to renew their papers before January."),
    Ware("{n} sets of children's skis", 30, 150, 10, 118,
         "The kindergarten on snow opens with twice the places."),
    Ware("Drying room with {n} racks", 4, 24, 2, 960,
         "Wet boots in the corridor, every evening."),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Question:
    """What a case is about. ``kind`` is casetypecode: 1 question, 2 problem, 3 request."""

    title: str
    kind: int
    description: str
    answer: str


QUESTIONS = (
    Question("Bindings release too easily", 2,
             "Several guests fell because the bindings open at the first turn.",
             "The setting table was for adults; sent the one for children and checked by phone."),
    Question("Invoice carries the wrong VAT number", 2,
             "The number on the invoice is that of the former owner.",
             "Invoice cancelled and issued again with the right number."),
    Question("Delivery of helmets is late", 2,
             "Half of the order was promised for Monday and has not come.",
             "The carrier found the pallet; delivered on Thursday."),
    Question("Gate 3 does not read passes", 2,
             "The reader shows a red light whatever pass is held to it.",
             "Antenna cable was loose; the technician replaced it."),
    Question("How to wax at minus twenty degrees", 1,
             "Which wax should the workshop use in the coming cold week?",
             "Sent the temperature chart and two sample blocks."),
    Question("Extra keys for the lodge", 3,
             "The group is larger than booked and needs four more keys.",
             "Keys handed over at the reception."),
    Question("Boot liner lost its shape", 2,
             "The liners of two pairs collapsed after three weeks.",
             "Replaced under warranty."),
    Question("Change of the arrival day", 3,
             "The bus arrives on Sunday instead of Saturday.",
             "Booking moved; the Saturday night is not charged."),
    Question("Snow gun freezes at the nozzle", 2,
             "After an hour of work the nozzle is closed by ice.",
             "Heating cartridge exchanged on site."),
    Question("Is there a course for blind skiers?", 1,
             "A school asks for a guided week for six pupils.",
             "Three instructors have the licence; sent dates and prices."),
    Question("Copy of the safety certificate", 3,
             "The inspection asks for the certificate of the chair lift ropes.",
             "Certificate sent as a file."),
    Question("Sharpening machine leaves a burr", 2,
             "The left edge feels rough after the second pass.",
             "Grinding disc was worn; sent a new one with instructions."),
    Question("Wrong size of uniforms", 2,
             "Eleven jackets came in L instead of S.",
             "Exchanged; the return was collected by us."),
    Question("Where is the spare parts list?", 1,
             "They need part numbers for the drying racks.",
             "Sent the link to the list of their model."),
    Question("Password of the rental till is lost", 3,
             "Nobody can open the till program since the seasonal staff left.",
             "Identity checked by a call back; password set anew."),
    Question("Passes sold twice", 2,
             "Two guests hold passes with the same number.",
             "A printer repeated the roll; both guests got new passes."),
    Question("Breakfast for guests with coeliac disease", 1,
             "Can the kitchen serve three guests without gluten?",
             "The kitchen has separate equipment; noted on the booking."),
    Question("Noise of the snow guns at night", 2,
             "Guests of the south wing cannot sleep.",
             "Guns near the house now stop at ten in the evening."),
)  # fmt: skip

LEAD_TOPICS = (
    "Asks for a price: rental skis for a new station",
    "Wants to see the boot-fitting station",
    "Looks for a partner for school weeks",
    "Opens a hotel next winter and needs a ski room",
    "Read about the waxing machine",
    "Needs helmets before the season",
    "Plans a staff retreat in the mountains",
    "Asked for the brochure at the fair",
    "Wants to resell winter packages",
    "Interested in snow making as a service",
    "Looks for instructors' uniforms",
    "Asks whether gates can be rented",
)

DISQUALIFIED_COMMENTS = {  # reason of the state Disqualified → why
    "lost": "Bought from someone else before we could visit.",
    "cannot_contact": "Number and address no longer work.",
    "no_longer_interested": "The project was put off for years.",
    "canceled": "Entered twice; the other one is followed up.",
}

TASKS = (
    "Send the offer", "Prepare the contract", "Check stock for the order", "Send size chart",
    "Ask the workshop for a date", "Update the customer's address", "Prepare the visit",
    "Collect references", "Clear the price with the manager", "Order spare parts",
    "Send the brochure", "Check the last invoices",
)  # fmt: skip
CALLS = (
    "Call about the offer", "First call", "Call back about delivery", "Asked for opening hours",
    "Reminder of the visit", "Call about an open invoice", "Wishes for the next season",
    "Clear sizes and numbers", "Call after the visit",
)  # fmt: skip
MAILS = (
    "Your offer", "Thank you for your visit", "Delivery on its way", "Dates for the inspection",
    "Price list for the season", "Your question", "Documents you asked for", "Season opening",
    "Sizes and numbers",
)  # fmt: skip
MAIL_TEXT = "Good morning,\n\nas we agreed, the papers are attached.\n\nKind regards"
MEETINGS = (
    "Visit on site", "Presentation of the fleet", "Talk about the contract", "Season review",
    "Inspection of the gates", "Tasting and winter talk", "Training of the staff",
)  # fmt: skip
LETTERS = ("Contract for signature", "Season's greetings", "Reminder", "Invitation to the fair")

PLACES = (
    "At the customer's",
    "Office",
    "Video call",
    "Workshop",
    "Valley station",
    "Fair stand 12",
)

NOTES = (
    ("Prefers calls before nine", "The office is quiet then; after ten everybody is on the slope."),
    ("Key person is away in August", "Whatever needs a signature has to be done by July."),
    ("Pays on time", "Never needed a reminder in three years."),
    ("Decides together with the municipality", "Every larger order goes through the council."),
    ("New owner since spring", "The family sold; the staff stayed."),
    ("Visit went well", "They showed us the old rental room. Thirty pairs are beyond repair."),
    ("Wants everything in writing", "No agreements by telephone, please."),
    ("Parking is behind the house", "The road in front is closed from December to March."),
    ("Competitor's offer on the table", "About five percent below ours, but without service."),
    ("Talked about next season", "They think of a second station at the upper lift."),
)

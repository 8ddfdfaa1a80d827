"""The service areas that residents of a British council really raise, with the words they use: a start to edit.

Words that mostly say where something is (road, street, pavement) are left out; they point everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CouncilArea:
    """One service area as the configuration's `[[areas]]` has it."""

    id: str
    name: str
    keywords: tuple[str, ...]
    urgent_keywords: tuple[str, ...]
    topics: tuple[str, ...]


def _area(area_id: str, name: str, keywords: str, urgent: str, topics: str) -> CouncilArea:
    return CouncilArea(area_id, name, _list(keywords), _list(urgent), tuple(topics.split()))


def _list(text: str) -> tuple[str, ...]:
    return tuple(phrase for part in text.split(",") if (phrase := " ".join(part.split())))


EMERGENCY_WORDS = _list("""
    on fire, gas leak, smell gas, smell of gas, live wire, live wires, bare wires, exposed wires, about to collapse,
    has collapsed, trapped, not breathing, unconscious, threat to life, kill myself, end my life, suicidal,
    child in danger, children in danger, domestic abuse, domestic violence, sinkhole, unexploded, explosion
""")
"""Words that suggest an emergency whatever the area."""

URGENT_WORDS = _list("""
    dangerous, danger to, urgent, urgently, emergency, unsafe, flooding, flooded, injured, injury, ambulance, accident,
    no heating, no hot water, homeless tonight, sleeping rough, needle, needles, syringe, syringes, asbestos,
    safeguarding, before someone is hurt, someone will get hurt, health hazard, health and safety
""")
"""Words that suggest that a case is urgent whatever the area."""

COUNCIL_AREAS = (
    _area(
        "waste",
        "Bins and recycling",
        """
        garden waste, bins full, bins are full, bins left out, broken bin, stolen bin, missing bin, bin, wheelie
        bin, green bin, brown bin, blue bin, black bin, grey bin, recycling, recycling bin, recycling box,
        recycling bags, refuse, refuse collection, bin collection, rubbish collection, waste collection,
        collection, missed collection, missed bin, not collected, not been collected, never collected, been
        collected, have not collected, havent collected, werent collected, wasnt collected, not emptied, not
        been emptied, emptied, wasnt emptied, werent emptied, bin day, bin lid, bin men, bin lorry, dustbin,
        dustmen, dustcart, binmen, food waste, food bin, food caddy, caddy, garden waste bin, garden waste
        collection, garden waste subscription, brown bin subscription, green waste, bulky waste, bulky
        collection, assisted collection, communal bin, replacement bin, new bin, household waste recycling
        centre, recycling centre, nappy collection, the tip, council tip
        """,
        "assisted collection, clinical waste, rats, maggots, sharps box, medical waste",
        "missed-bin new-bin assisted-collection garden-waste bulky-waste recycling-centre",
    ),
    _area(
        "flytipping",
        "Fly-tipping and street cleaning",
        """
        garden waste, trade waste, pile of waste, full of litter, bin overflowing, overflowing bin, blinds,
        mattresses, fly tipping hotspot, fly tip, fly tips, fly tipped, fly tipping, fly tipper, dumped,
        dumping, dump, dumped rubbish, rubbish, litter, littering, litter bin, overflowing litter bin, street
        bin, public bin, dog bin, overflowing dog bin, mattress, sofa, settee, armchair, fridge, freezer, fridge
        freezer, washing machine, furniture, wardrobe, carpet, bed, bedding, tyres, household items, household
        waste, cardboard, cardboard boxes, black bags, black sacks, bin bags, bags of rubbish, bags of waste,
        builders waste, building waste, rubble, dumped garden waste, garden waste dumped, shopping trolley,
        trolley, trollies, dog poo, dog mess, dog fouling, dog waste, poo bags, faeces, vomit, urine, graffiti,
        graffitti, grafitti, graffiti tag, tagging, fly posting, fly poster, flyposting, posters, stickers on,
        street cleaning, street cleaner, street sweeping, street sweeper, road sweeper, sweeping, swept, dirty
        street, filthy, leaves need clearing, leaf clearing, broken glass, dead animal, dead fox, dead cat, dead
        badger, dead bird, eyesore, mess, needs clearing, clear this, items left, fallen leaves, wet leaves,
        chewing gum
        """,
        "asbestos, needles, syringes, chemicals, offensive graffiti, racist graffiti, drug paraphernalia, human waste",
        "dumped-waste litter dog-fouling graffiti dead-animal needles",
    ),
    _area(
        "roads",
        "Roads and pavements",
        """
        hole, burst pipe, blocked pavement, blocking pavement, sign broken, broken sign, cavity, traffic cone,
        cones, barriers, bus shelter, utility cabinet, highway, pothole, pot hole, hole in the road, hole in
        road, hole in the pavement, road surface, resurfacing, resurfaced, tarmac, sunken, uneven, uneven
        pavement, uneven paving, paving slab, paving stone, paving, loose slab, broken slab, slab, kerb,
        kerbstone, trip hazard, tripping hazard, broken pavement, pavement damaged, cracked, drain, drain cover,
        drain blocked, blocked drain, blocked gully, gully, gullies, manhole, manhole cover, standing water,
        puddle, water leak, leaking water, burst water main, roadworks, road works, road closed, road closure,
        traffic light, traffic lights, temporary traffic lights, road sign, street sign, street name sign,
        street nameplate, name plate, signpost, sign missing, road markings, white lines, faded lines, zebra
        crossing, pedestrian crossing, crossing, bollard, guard rail, crash barrier, speed bump, speed hump,
        speed camera, speed limit, speeding, traffic calming, cycle lane, cycle path, cyclist, dropped kerb,
        grit, gritting, gritter, grit bin, icy pavement, icy roads, junction, roundabout, scaffolding, highways,
        builders skip, skip permit, road signage
        """,
        "manhole cover missing, missing manhole, sinkhole, burst tyre, fell over, tripped over, traffic lights out, "
        "traffic lights not working, road collapsed, black ice, broke my",
        "pothole pavement drainage gritting roadworks traffic-lights signs",
    ),
    _area(
        "street-lights",
        "Street lights",
        """
        no lights, lights broken, bulb, street light, street lamp, street lighting, street lights out, light
        out, lights out, light is out, lights are out, light not working, lights not working, light flickering,
        lamp, lamp out, lamp post, lamp column, lamp standard, lighting, lighting column, lighting not working,
        pitch black, pitch dark, very dark, dark at night, light bulb, illuminated bollard, light stays on,
        lights on all day, belisha beacon
        """,
        "exposed wires, leaning lamp post, lamp post knocked down, hanging cable, door open on lamp post",
        "light-out light-all-day damaged-column",
    ),
    _area(
        "parking",
        "Parking",
        """
        abandoned, abandoned bike, abandoned bicycle, abandoned scooter, e scooter, hire bike, motorbike,
        motorcycle, truck, lorry parked, burnt out, idling, parking, parked, park my car, car park, parking
        permit, visitor permit, residents permit, residents parking, permit, parking fine, parking ticket,
        parking charge, penalty charge, pcn, traffic warden, parking warden, yellow line, double yellow, double
        yellow lines, parking bay, disabled bay, parking space, blue badge, pay and display, parking meter,
        parking app, abandoned car, abandoned vehicle, abandoned van, abandoned motorbike, abandoned caravan,
        caravan, untaxed, no tax, no mot, mot, number plate, flat tyre, clamped, towed, blocking my drive,
        blocking driveway, across my drive, parked across, pavement parking, loading bay, school run parking,
        controlled parking zone, cpz, car, van, vehicle, not moved
        """,
        "blocking access, ambulance could not, fire engine could not, blocking fire exit, trapped in my drive",
        "fine permit blue-badge abandoned-vehicle obstruction",
    ),
    _area(
        "council-tax",
        "Council tax",
        """
        council tax, council tax bill, tax bill, tax band, council tax band, banding, rebanding, single person
        discount, single occupancy, council tax discount, council tax rebate, council tax refund, instalment,
        direct debit, reminder letter, final notice, summons, liability order, bailiff, enforcement agent,
        arrears, student exemption, council tax exemption, second home premium, empty home premium
        """,
        "bailiff, summons, court, cannot pay, cant pay, enforcement agent",
        "bill discount moving-home arrears band",
    ),
    _area(
        "benefits",
        "Benefits and support",
        """
        housing benefit, benefit, benefits claim, council tax support, council tax reduction, universal credit,
        discretionary housing payment, dhp, household support fund, household support, hardship fund, hardship
        payment, crisis grant, welfare fund, food bank, food voucher, free school meals, cost of living, warm
        space, warm hub, winter fuel, energy voucher, pension credit, overpayment
        """,
        "no money, no food, cannot feed, cant feed, no electricity, no gas on the meter, nothing to eat",
        "claim change appeal hardship",
    ),
    _area(
        "housing",
        "Housing and repairs",
        """
        council house, council flat, council housing, council property, council estate, housing officer, housing
        office, housing association, housing register, housing list, waiting list, home swap, mutual exchange,
        tenant, tenancy, rent, rent arrears, repair, repairs team, repair request, damp, mould, boiler, heating,
        radiator, no hot water, ceiling, leak, leaking, leaking roof, lift, communal door, communal area,
        caretaker, intercom, front door lock, kitchen, bathroom, homeless, temporary accommodation, evicted,
        eviction, section 21, landlord, private landlord, hmo, rough sleeper, rough sleeping, sleeping in,
        leaseholder, service charge, cladding, garage rent
        """,
        "no heating, no hot water, flooding, water pouring, homeless tonight, ceiling, lift broken, mould, evicted, "
        "newborn, wheelchair",
        "repair damp-and-mould homelessness allocations rent anti-social-neighbour",
    ),
    _area(
        "planning",
        "Planning and building",
        """
        planning, planning application, planning permission, planning committee, planning officer, planning
        portal, planning enforcement, planning objection, extension, loft conversion, dormer, change of use,
        building control, building regulations, building site, construction site, developer, development, new
        homes, housing development, objection, conservation area, listed building, green belt, local plan, tree
        preservation order, party wall, demolition, enforcement notice, section 106
        """,
        "demolishing, being demolished, unsafe building, dangerous structure, protected tree, felling",
        "application objection enforcement building-control",
    ),
    _area(
        "environmental-health",
        "Noise, pests and food safety",
        """
        noise, noisy, noise nuisance, loud music, house party, party noise, barking, barking dog, alarm going
        off, construction noise, rat, rats, mice, mouse, pest, pest control, cockroaches, bedbugs, wasps, wasp
        nest, pigeons, smoke, bonfire, burning, smell, stench, stink, odour, fumes, dust, air quality, air
        pollution, pollution, food hygiene, hygiene rating, food poisoning, dirty restaurant, stray dog,
        dangerous dog, dog warden, dog attack, light pollution, sewage
        """,
        "food poisoning, carbon monoxide, sewage, dangerous dog, dog attack, toxic, chemical smell",
        "noise pests food-hygiene smoke stray-dog",
    ),
    _area(
        "parks",
        "Parks, trees and open spaces",
        """
        fence, water fountain, lake, rope swing, trimming, cut back, park, parks, park gate, park keeper,
        playground, play area, play park, play equipment, swing, slide, climbing frame, grass, grass cutting,
        mowing, mown, verge, hedge, overgrown, overgrown hedge, bush, bushes, brambles, nettles, weeds,
        knotweed, japanese knotweed, tree, fallen tree, overhanging tree, street tree, tree roots, tree stump,
        tree surgeon, branch, fallen branch, overhanging branch, hanging branch, pruning, pruned, allotment,
        football pitch, tennis court, skate park, basketball court, cemetery, grave, headstone, crematorium,
        bench, pond, nature reserve, recreation ground, flower bed, wildflowers, public toilet, toilets
        """,
        "fallen tree, tree down, hanging branch, broken swing, broken glass, headstone fallen, tree about to fall",
        "grass tree play-equipment allotment cemetery",
    ),
    _area(
        "leisure",
        "Leisure, libraries and events",
        """
        leisure centre, sports centre, swimming pool, swimming, swimming lesson, gym, gym membership,
        membership, library, library book, museum, art gallery, theatre, box office, event, fireworks, christmas
        lights, street market, market day, opening hours, opening times, festival, carnival, concert, parkrun,
        tickets, community centre
        """,
        "stuck inside, alarm going off, overcrowded",
        "opening-times booking library event market",
    ),
    _area(
        "schools",
        "Schools and children",
        """
        school, school place, school admission, admissions, secondary school, primary school, reception place,
        school appeal, school transport, school bus, school uniform, term dates, half term, inset day, nursery,
        childcare, childminder, holiday club, special needs, ehcp, education health and care plan, catchment,
        catchment area, school closed, school closure, childrens centre, family hub, attendance fine, absence
        fine, home education, headteacher, fostering, foster carer, adoption, send support, send provision
        """,
        "child missing, missing child, safeguarding, bus did not come, bus didnt come, not safe at home, bullying",
        "admissions transport term-dates special-needs childcare",
    ),
    _area(
        "social-care",
        "Adult social care",
        """
        social care, social services, adult social care, social worker, care package, care assessment, needs
        assessment, carer, unpaid carer, carers allowance, carers assessment, care home, nursing home,
        residential care, home care, home help, respite, direct payments, elderly, elderly neighbour, vulnerable
        adult, safeguarding, day centre, occupational therapist, occupational therapy, meals on wheels, disabled
        facilities grant, stairlift, grab rail, hoarding, dementia, hospital discharge, mental health
        """,
        "carer did not come, carer didnt come, carers havent come, not eaten, safeguarding, neglect, had a fall, abuse",
        "assessment carers care-home equipment safeguarding",
    ),
    _area(
        "elections",
        "Elections and registers",
        """
        vote, voting, voter, election, elections, polling station, polling card, poll card, polling day, ballot,
        ballot paper, postal vote, proxy vote, voter id, voter authority certificate, electoral register,
        electoral roll, electoral services, register to vote, canvass form, birth certificate, death
        certificate, marriage certificate, register a birth, register a death, registrar, register office,
        registry office, wedding, ceremony, citizenship ceremony
        """,
        "turned away, polling station closed, postal vote has not arrived, postal vote not arrived, no polling card",
        "register postal-vote polling-station certificates weddings",
    ),
    _area(
        "licensing",
        "Licensing and business",
        """
        licence, license, licensing, licensed premises, alcohol licence, premises licence, taxi, taxi licence,
        taxi driver, minicab, private hire, pub, nightclub, street trading, street trader, street party,
        pavement licence, busker, busking, business rates, business grant, rateable value, small business, trade
        waste, commercial waste, trading standards, scam, rogue trader, doorstep seller, counterfeit, underage
        sales, vape shop, market stall, tattoo
        """,
        "unlicensed, underage, doorstep now, at my door now",
        "taxi alcohol street-trading business-rates scams",
    ),
    _area(
        "democracy",
        "Councillors, meetings and information",
        """
        councillor, my councillor, council meeting, full council, council leader, committee meeting,
        consultation, petition, council budget, foi, foi request, freedom of information, subject access,
        subject access request, data protection, formal complaint, complaints procedure, stage one complaint,
        stage two complaint, ombudsman, mayor, livestream, webcast, devolution, chief executive, press office,
        journalist, cabinet meeting, cabinet member
        """,
        "freedom of information, subject access, ombudsman, formal complaint, data breach, deadline today",
        "meetings consultation information-request formal-complaint councillor",
    ),
)
"""Areas in the order of menus. Every id, keyword and topic can be changed in the configuration."""

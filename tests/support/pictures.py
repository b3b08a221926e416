"""Cards, labels and letters, drawn by the tests as a camera might see them, with the fields that stand on them."""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Final

from PIL import Image, ImageChops, ImageDraw, ImageEnhance, ImageFilter, ImageFont

_FONTS: Final = Path(__file__).parents[2] / "chalicelib/services/record_exports/fonts"
_PLAIN, _BOLD = (str(_FONTS / f"DejaVuSans{style}.ttf") for style in ("", "-Bold"))

ANGLES: Final = (0, 3, -3, 8, -8, 90, 180, 270)
QUALITIES: Final = ("good", "blurred", "noisy", "pale", "jpeg", "small")


@dataclass(frozen=True)
class Sample:
    """A piece of paper: its words with their places and sizes, and what has to be found on it."""

    name: str
    kind: str
    size: tuple[int, int]
    words: tuple[tuple[int, int, int, str], ...]
    fields: Mapping[str, str]
    paper: str = "#f4f7fb"

    def drawn(self) -> Image.Image:
        """The paper itself; a size below 0 is bold."""
        paper = Image.new("RGB", self.size, self.paper)
        draw = ImageDraw.Draw(paper)
        for x, y, size, text in self.words:
            font = ImageFont.truetype(_BOLD if size < 0 else _PLAIN, abs(size))
            draw.text((x, y), text, fill="#1a2430", font=font)
        return paper


def photographed(sample: Sample, angle: int = 0, quality: str = "good") -> bytes:
    """The paper on a table, turned and taken well or badly: a JPEG."""
    seen = _table(sample.drawn().rotate(angle, Image.Resampling.BICUBIC, expand=True, fillcolor="#6b5b4d"))
    seen = _spoiled(seen, quality)
    out = BytesIO()
    seen.save(out, "JPEG", quality=30 if quality == "jpeg" else 90)
    return out.getvalue()


def _table(paper: Image.Image) -> Image.Image:
    table = Image.new("RGB", (paper.width + 80, paper.height + 60), "#6b5b4d")
    table.paste(paper, (40, 30))
    return table


def _spoiled(picture: Image.Image, quality: str) -> Image.Image:
    match quality:
        case "blurred":
            return picture.filter(ImageFilter.GaussianBlur(1.8))
        case "noisy":
            grain = random.Random(7).randbytes(picture.width * picture.height)
            noise = Image.frombytes("L", picture.size, grain).point(lambda value: value // 4)
            return ImageChops.subtract(picture, Image.merge("RGB", (noise, noise, noise)))
        case "pale":
            return ImageEnhance.Brightness(ImageEnhance.Contrast(picture).enhance(0.25)).enhance(1.15)
        case "small":
            return picture.resize((picture.width * 45 // 100, picture.height * 45 // 100), Image.Resampling.LANCZOS)
        case _:
            return picture


def _card(name: str, words: tuple[tuple[int, int, int, str], ...], **fields: str) -> Sample:
    return Sample(name, "insurance_card", (1010, 640), words, fields)


def _label(name: str, words: tuple[tuple[int, int, int, str], ...], **fields: str) -> Sample:
    return Sample(name, "medicine_label", (900, 560), words, fields, "#ffffff")


def _letter(name: str, words: tuple[tuple[int, int, int, str], ...], **fields: str) -> Sample:
    return Sample(name, "letter", (1240, 1240), words, fields, "#fdfdfb")


SAMPLES: Final = (
    _card(
        "card, English",
        (
            (40, 30, -44, "Blue Prairie Health Plan"),
            (40, 110, 24, "Subscriber Name"),
            (40, 142, 34, "JORDAN A WHITFIELD"),
            (40, 210, 28, "Member ID: XQP904417326"),
            (40, 258, 28, "Group Number: 0098765"),
            (40, 306, 28, "Plan: PPO Silver 2500"),
            (560, 210, 28, "Copay: $25"),
            (560, 258, 28, "Deductible: $2,500"),
            (40, 390, 28, "RxBIN: 610014"),
            (400, 390, 28, "RxPCN: MEDDPRIME"),
            (40, 440, 28, "RxGrp: RX7788"),
            (40, 560, 24, "Customer service: (312) 555-0142"),
        ),
        payer="Blue Prairie Health Plan",
        member_id="XQP904417326",
        group_number="0098765",
        plan="PPO Silver 2500",
        bin="610014",
        pcn="MEDDPRIME",
        subscriber_name="JORDAN A WHITFIELD",
        phone="+13125550142",
    ),
    _card(
        "card, Spanish",
        (
            (60, 40, -40, "Seguros de Salud del Lago"),
            (60, 130, 28, "Titular: MARÍA PEÑA GONZÁLEZ"),
            (60, 190, 28, "N.º de miembro: 77-4410952-03"),
            (60, 250, 28, "N.º de grupo: GL4821"),
            (60, 310, 28, "Plan: Oro Familiar"),
            (60, 400, 26, "BIN: 004336"),
            (360, 400, 26, "PCN: ADV"),
            (60, 520, 26, "Servicio al cliente: 1-773-555-0188"),
        ),
        payer="Seguros de Salud del Lago",
        member_id="77-4410952-03",
        group_number="GL4821",
        plan="Oro Familiar",
        bin="004336",
        pcn="ADV",
        subscriber_name="MARÍA PEÑA GONZÁLEZ",
        phone="+17735550188",
    ),
    _card(
        "card, labels above",
        (
            (50, 36, -42, "Great Lakes Insurance"),
            (50, 130, 22, "NAME"),
            (50, 160, 30, "Theo Brandt"),
            (560, 130, 22, "PLAN TYPE"),
            (560, 160, 30, "HMO Basic"),
            (50, 240, 22, "IDENTIFICATION NO."),
            (50, 270, 30, "W2230918845"),
            (560, 240, 22, "GROUP NO."),
            (560, 270, 30, "70-33914"),
            (50, 360, 22, "Rx BIN"),
            (50, 390, 30, "020099"),
            (400, 360, 22, "Rx PCN"),
            (400, 390, 30, "WG"),
            (50, 520, 24, "Member Services 414-555-0117"),
            (50, 560, 24, "Providers 414-555-0163"),
        ),
        payer="Great Lakes Insurance",
        member_id="W2230918845",
        group_number="70-33914",
        plan="HMO Basic",
        bin="020099",
        pcn="WG",
        subscriber_name="Theo Brandt",
        phone="+14145550117",
    ),
    _label(
        "label, English",
        (
            (30, 24, -32, "Corner Street Pharmacy"),
            (30, 68, 22, "1500 Corner St, Chicago, IL 60601"),
            (30, 98, 22, "Phone: (312) 555-0173"),
            (30, 150, 26, "Rx# 7204418"),
            (500, 150, 26, "Filled: 11/02/2026"),
            (30, 196, 26, "JORDAN WHITFIELD"),
            (30, 246, -32, "LISINOPRIL 10 MG TABLET"),
            (30, 300, 26, "TAKE 1 TABLET BY MOUTH ONCE DAILY"),
            (30, 380, 26, "Qty: 30"),
            (300, 380, 26, "Refills: 2"),
            (30, 430, 26, "Prescriber: Dr. Amara Okafor"),
        ),
        medicine="LISINOPRIL",
        strength="10 MG",
        instructions="TAKE 1 TABLET BY MOUTH ONCE DAILY",
        rx_number="7204418",
        pharmacy="Corner Street Pharmacy",
        pharmacy_phone="+13125550173",
        prescriber="Dr. Amara Okafor",
        filled_on="2026-11-02",
        refills_left="2",
        quantity="30",
    ),
    _label(
        "label, Spanish",
        (
            (30, 24, -32, "Farmacia San Miguel"),
            (30, 70, 24, "Tel.: 773-555-0126"),
            (30, 130, 26, "Receta n.º 0553187-02"),
            (30, 180, 26, "Fecha de surtido: 14 de octubre de 2026"),
            (30, 240, -30, "METFORMINA 500 mg tableta"),
            (30, 300, 26, "TOME 1 TABLETA POR LA BOCA DOS VECES AL DÍA"),
            (30, 336, 26, "CON LAS COMIDAS"),
            (30, 400, 26, "Cantidad: 60"),
            (330, 400, 26, "Resurtidos: 0"),
            (30, 450, 26, "Médico: Dra. Lucía Ibáñez"),
        ),
        medicine="METFORMINA",
        strength="500 mg",
        instructions="TOME 1 TABLETA POR LA BOCA DOS VECES AL DÍA CON LAS COMIDAS",
        rx_number="0553187-02",
        pharmacy="Farmacia San Miguel",
        pharmacy_phone="+17735550126",
        prescriber="Dra. Lucía Ibáñez",
        filled_on="2026-10-14",
        refills_left="0",
        quantity="60",
    ),
    _letter(
        "letter, English",
        (
            (90, 70, -38, "Lakeside Heart Clinic"),
            (90, 122, 24, "200 Shore Drive, Milwaukee, WI 53202"),
            (90, 156, 24, "Phone 414-555-0135"),
            (90, 250, 26, "November 16, 2026"),
            (90, 320, 26, "Dear Jordan Whitfield,"),
            (90, 390, -28, "Re: Your heart ultrasound"),
            (90, 460, 26, "We have made a time for your heart ultrasound. Your appointment"),
            (90, 500, 26, "is on December 8, 2026 at 10:30 AM at our clinic on Shore Drive."),
            (90, 540, 26, "Please bring your insurance card and a list of your medicines."),
            (90, 620, 26, "If you cannot come, please call us at 414-555-0135."),
            (90, 720, 26, "Sincerely,"),
            (90, 770, 26, "Nora Lindqvist"),
        ),
        sender="Lakeside Heart Clinic",
        date="2026-11-16",
        subject="Your heart ultrasound",
        phone="+14145550135",
        appointment_on="2026-12-08",
    ),
    _letter(
        "letter, Spanish",
        (
            (90, 70, -36, "Clínica de los Ojos Buena Vista"),
            (90, 130, 24, "Teléfono: (773) 555-0159"),
            (90, 220, 26, "Chicago, 3 de noviembre de 2026"),
            (90, 300, -28, "Asunto: Cita para el examen de la vista"),
            (90, 370, 26, "Estimada señora Peña:"),
            (90, 440, 26, "Le hemos dado una cita para el examen de la vista. Su cita es el"),
            (90, 480, 26, "20 de enero de 2027 a las 9:15 de la mañana."),
            (90, 560, 26, "Si no puede venir, llame al (773) 555-0159."),
            (90, 660, 26, "Atentamente,"),
            (90, 710, 26, "Dr. Esteban Ríos"),
        ),
        sender="Clínica de los Ojos Buena Vista",
        date="2026-11-03",
        subject="Cita para el examen de la vista",
        phone="+17735550159",
        appointment_on="2027-01-20",
    ),
)
"""What is read by the tests: each kind in both languages, and a card whose labels stand above what they name."""

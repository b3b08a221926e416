"""The words of her documents."""

CHEST_XRAY = """\
CHEST X-RAY, TWO VIEWS

Reason: fever and cough for four days.
Findings: There is a patchy shadow in the lower part of the right lung. The heart is slightly enlarged.
No fluid around the lungs.
Impression: Pneumonia of the right lower lobe.

Priya Raghunathan, MD
"""

DISCHARGE = """\
DISCHARGE SUMMARY

Rosalind Abernathy was in hospital for three days with pneumonia of the right lung.
She was given azithromycin because she is allergic to penicillin, and oxygen on the first day.
On leaving she walked in the corridor without help; oxygen saturation 95 % without extra oxygen.

What to do next
 - Finish the azithromycin tablets.
 - Keep taking all other medicines as before.
 - Visit Dr. Okonkwo-Bell within two weeks.
 - Call us for fever over 101 °F (38.3 °C), or if breathing gets harder.
"""

KIDNEY_CONSULT = """\
CONSULT NOTE: KIDNEYS

eGFR has gone from 64 to 44 in six and a half years, with albumin in the urine. Cause: diabetes and blood pressure.
Plan: metformin back to 500 mg twice a day; start empagliflozin in three months if stable;
stay away from ibuprofen and naproxen; kidney tests every half year.

Siobhán Ní Riain, MD
"""

DIRECTIVE = """\
<html><head><title>Advance directive</title></head><body>
<h1>Advance directive</h1>
<p>If I cannot speak for myself, I ask my son Theo Abernathy to decide for me.</p>
<p>I do not want a feeding tube if there is no hope that I will wake up.</p>
<p>Rosalind Abernathy</p>
</body></html>
"""

PROGRESS_NOTES = {
    "2016-09": """\
First visit here. Blood pressure and sugar are both above target; TSH is high.
Plan: lisinopril 10 mg, metformin 500 mg twice a day, levothyroxine 50 mcg. Labs in three months.
""",
    "2019-06": """\
Heart beats irregularly since spring; the electrocardiogram shows atrial fibrillation.
HbA1c has climbed above 9 %. Plan: warfarin, INR every week at first; metformin up to 1,000 mg twice a day.
""",
    "2020-09": """\
Dry cough for months, worse at night. Most likely from lisinopril. Plan: stop it, losartan 50 mg instead.
""",
    "2026-09": """\
Doing well. Walks with her neighbor every morning. Sugar at target for a year, kidneys stable.
Plan: no change. Next labs in December, bone density scan before spring.
""",
}

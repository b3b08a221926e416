"""Vaccines by CVX, the vaccine codes of the US Centers for Disease Control and Prevention."""

from infra.sample.vocabulary.systems import CVX, Concept

INFLUENZA = Concept(CVX, "150", "Influenza, injectable, quadrivalent, preservative free")
INFLUENZA_CHILD = Concept(CVX, "140", "Influenza, seasonal, injectable, preservative free")
INFLUENZA_HIGH_DOSE = Concept(CVX, "135", "Influenza, high dose seasonal")
PNEUMOCOCCAL_13 = Concept(CVX, "133", "Pneumococcal conjugate PCV 13")
PNEUMOCOCCAL_23 = Concept(CVX, "33", "Pneumococcal polysaccharide PPV23")
ZOSTER = Concept(CVX, "187", "Zoster recombinant")
COVID = Concept(CVX, "208", "COVID-19, mRNA, LNP-S, PF, 30 mcg/0.3 mL dose")
TDAP = Concept(CVX, "115", "Tdap")
DTAP = Concept(CVX, "20", "DTaP")
DTAP_POLIO = Concept(CVX, "130", "DTaP-IPV")
POLIO = Concept(CVX, "10", "IPV")
HIB = Concept(CVX, "48", "Hib (PRP-T)")
HEPATITIS_B = Concept(CVX, "08", "Hep B, adolescent or pediatric")
HEPATITIS_A = Concept(CVX, "83", "Hep A, ped/adol, 2 dose")
ROTAVIRUS = Concept(CVX, "116", "Rotavirus, pentavalent")
MMR = Concept(CVX, "03", "MMR")
VARICELLA = Concept(CVX, "21", "Varicella")

"""Words that questions are made of, beside the names of the vocabulary, in the languages of the portal.

They are written as they are compared: without case, accents and apostrophes.
"""

from collections.abc import Mapping
from typing import Final

_FUNCTION_EN: Final = (
    "a about after again all also am an and any anything are as at be because been before but by can could day did do "
    "does doing done each ever every for from get give given got had has have he her him his how i if in into is it "
    "its just let like many may me means might mine more most much must my need no not now of off on one only or "
    "other our out over please s she should show so some still such t tell than that the their them then there these "
    "they thing things this those through to too up us use used using want was we well were what when where which "
    "while who whose why will with would yes you your yours"
)
_FUNCTION_ES: Final = (
    "a ahora al algo alguna algunas alguno algunos antes aqui asi aun cada como con cual cuales cuando cuanta cuantas "
    "cuanto cuantos da dan de debe deben debo del desde dice dijo donde e el ella ellas ellos en era eran es esa esas "
    "ese eso esos esta estaba estan estar este estos estoy fue fueron ha haber hace hacer hago han hay he hice hizo "
    "la las le les lo los mas me mi mia mis mucho muy nada ni no nos o otra otro para pero por porque puede puedo que "
    "quien quienes quiero sabe se ser si sido siempre sin sobre son soy su sus tambien te tener tengo tiene tuve tuvo "
    "u ultima ultimas ultimo ultimos un una uno unos usted va y ya yo"
)
_CUES_EN: Final = (
    "allergic allergies allergy anyone appointment appointments ask bad balance better between bill bills book call "
    "cancel care change changed changes charge chart check checked checkup clinic coming compare compared condition "
    "conditions contact cost date day days decrease decreased describe device devices diagnose diagnosed diagnoses "
    "diagnosis did died dies doctor doctors document documents doing done dose doses double down drug drugs due "
    "effect effects else email explain fall falling family first future gave give goal goals going gone good happen "
    "happened happening health healthy help high higher history illness illnesses image images imaging immunization "
    "immunizations implant implants important improve improved improving increase increased insurance kind lab labs "
    "last late lately latest less level levels life list live long low lower mean meaning means measure measured "
    "medication medications medicine medicines meds message messages missed month months move name near new newest "
    "next normal note number numbers nurse often ok okay old online operation operations order ordered orders overdue "
    "owe password past patient pay pending people perform performed pill pills plan planned plans portal prescribe "
    "prescribed prescriber prescription prescriptions previous problem problems procedure procedures provider purpose "
    "question questions range ranges reaction reactions read reading readings recent recently record records refill "
    "refills remind renew report reports reschedule result results rising risk risks scan scans schedule scheduled "
    "score scores send shot shots side since skip soon stop surgeries surgery take taken taking talk team test tested "
    "tests time times today together tomorrow treat treated treats trend unit upcoming vaccination vaccinations "
    "vaccine vaccines value values visit visits vital vitals wear week weeks went worried worry worse worsen write "
    "written year years yesterday"
)
_CUES_ES: Final = (
    "abuela abuelo agendar alergia alergias alergica alergico alta altas alto altos ano anos anterior anteriores "
    "aparato aparatos aplicaron archivo atendio aumentado aumentar aumento ayer ayuda ayudar baja bajado bajando "
    "bajar bajas bajo bajos bien buena bueno cambiado cambiar cambiaron cambie cambio cambios cancelar cirugia "
    "cirugias cita citas clinica comparar consulta consultas contrasena cuenta cuesta cuidado debo decir dejar dia "
    "dias dieron dime doblar doble doctor doctora documento documentos dosis ecografia efecto efectos enfermedad "
    "enfermedades enfermera enviar equipo escribir escribirle examen examenes expediente explica explicame explicar "
    "explique factura facturas falta familia fecha frecuencia ganar grave hicieron historia historial hoy importante "
    "informe informes inyeccion lista llaman llamar mal malo manana mandar mande medicamento medicamentos medicina "
    "medicinas medico medicos medida medidas mejor mejorado mejorando mensaje mes meses meta metas mide mostrar "
    "muestra muestreme necesito normal normales notas nueva nuevas nuevo nuevos numero obtener operacion operaciones "
    "orden ordenes ordeno paciente pagar partir pasa pasado paso pastilla pastillas pedir peligroso pendiente "
    "pendientes peor plan planes portal pregunta preguntar preguntas preocupar preocuparme presente primer primera "
    "primero problema problemas procedimiento procedimientos programada programado proxima proximas proximo proximos "
    "prueba pruebas puesto pusieron quiere radiografia rango rangos receta recetado recetaron recetas receto registro "
    "renovar reservar resultado resultados resurtido resurtir revisar riesgo riesgos sacar saldo salieron salio "
    "saltarme secundarios seguro semana semanas servir significa significan siguiente siguientes sirve sirven sube "
    "subido subiendo subio surtir suspender tendencia todas todos toma tomando tomar tome tomo traer tratamiento "
    "ultima ultimo ultimos vacuna vacunaron vacunas valor valores vez viene visita visitas vitales"
)
_ORDINARY: Final = (
    "abierto abnormal abre abren abuelita acaba acabaron acabo account accounts aching act actor add address "
    "adormecio adverse adverso adversos affect ago agua ahead ahoga ahogo ahorita air aire alergic alguien alive alt "
    "ambulance ambulancia amiga amigo amigos amor animal animo anoche another answer antecedentes anybody anyone "
    "apellido apple apretado aprieta ardor ataque ate ation ations attack aunt auto avion away ayer ayudame ayudeme "
    "baby back badly baj ball banco bank barato barco beach bear beat bebi bebio began begin best big billed birthday "
    "bit bitcoin bleach bleed bleeding blue boat boca bonito book born borra borre boss both box boy brand brazo "
    "bread breath breathe breathing bring brother buen bueno build bus business buy bypass caida cake cama cambia "
    "came camera caminar cancion cannot capital car cara card carro casa casado casi cat causa causar cause causes "
    "cerca cerebral cerrando chair changing charged charges charts cheap child children chiste chistes chocolate "
    "choke choking chueca church cierra cierran cinco city ciudad claro class clean cleaner clima cloro closed "
    "closing clothes cobraron cobro coche cocina cocinar code color combine come comer comida coming comio company "
    "compartir compra comprar computadora computer comunicarme concerned contactar contar conviene convulsionando "
    "convulsiones cook cool copago copay copays copy corazon correo cortarme cosa cosas costs count country counts "
    "cousin cream create credit crooked crush crushing cuant cuatro cuenteme cuento cumpleanos cup curar cured "
    "current cut cutting dad dame dance danger dangerous dangers dano dar daughter dead death deberia define deja "
    "dejo delete demasiadas demasiado deme derrame descargar desk desmaye desmayo developer diagnostico diagnosticos "
    "dias die diez different difficult digame dinero dinner dios direccion disregard dog dolares doliendo dollar "
    "dolor dont door dormida dormido dos dosage dosages download drank dream drink drive driver droop drooping drop "
    "dropped duele duelen dump durmio dying easy eat edit election elevated else elses emergencia emergency empeorar "
    "empezar empezo employee encontraron end ending enferm engine english enter entrar erase escuela esperanza esposa "
    "esposo estado estuvo everybody everyone exam expectancy export extra face faint fainted father favor favorite "
    "feel feels fell fiesta file film fin find fine fire fish flight flor flower fly follow football forget forgot "
    "fotos found france free friend friends from fruit fuerte fun funciona funny futbol futura futuras game gana "
    "ganar gano garden garganta gas gasping gato gente getting gift girl girlfriend going gol gold golf gone google "
    "gracias grandma grandpa great green guerra guess guitar guy hablame hablar hableme hacerme haciendome hair half "
    "halve happy hard harm harming hat hate having heavily heavy hello here hermana hermano hermosa hers hi hija hijo "
    "hijos hinchada hinchan hinchando hobby hola holiday hombre home hora horario horse hotel hour hours house hungry "
    "hurt hurting hurts husband ideal ignora ignore igual immuni imprima imprime impuestos inconsciente infarto info "
    "informacion information iniciar instrucciones instruction instructions internet intoxique invoice jailbreak jefe "
    "job joke jokes juego jugar jugo juguete keep kept kill killing kind king kitchen know labios lado language "
    "laptop largo lastimarme laugh law lawyer leader learn leave leer left lejos lengua letter library libro light "
    "lips listar little llame llamo llegar llueve located log logro lot lots lottery love lugar luna lunch machine "
    "made madre maestro mail make making malo malos mama man mapa mar market matar matarme mayor meal meat medica "
    "meet member members men menos mensajes mesa minute misma mismo mismos miss mitad mix mode mom moment momento "
    "money moon morir morning mother mountain mover movie movies mri muchas muchisimo muestre mujer mundo murio music "
    "musica myself nadie navidad need needed needs negative neighbor neighbors neighbour never news newspaper nieve "
    "night nino ninos nivel niveles nobody noche nombre nothing noticias novedades novia novio numb numeros office "
    "olvida olvide olvido once open opening opens opresion others otra otras otro otros overdosed override owed own "
    "pacientes padezco padre page pago pain paint pais palabra papa paper paralizo paralyzed parar parent parents "
    "partido party pasando pass passed passwords pasta pat patients payment pecho pelicula peligro peligros people "
    "peoples perdio perro person persona personas persons pet phone picture pierna pizza place plane planet play "
    "playa player podia podria poem poems poet poison politics poor positive precio preguntarle president presidente "
    "presion pressure pretend previous price primo prince print prognosis program programad programar prompt prompts "
    "pronostico provocar proxim public pueden put queda queen quick quieren quit quitar quitarme rain raise ran ray "
    "rays reaccion reach really reason receive receta reciente recipe reduce reference referencia refilled refilling "
    "regalo regla reglas reloj renewal rent repente request respira respirar responde restaurant restaurante reveal "
    "rey rich right ring rio risky river road rock room roommate ropa rose rule rules run running sabado safe said "
    "salad same sandwich sangrando sangrar sangre saw say says school science screening sea secret secundario see "
    "seen seguir segun select self sell semana senales sentence sera seria serious sesion set severa severe shall "
    "share shirt shoe shop sick siento sign significado signs sigue sing sintomas sister slot slurred small smart "
    "snow soap soccer sol somebody someone something son song soon sort soup space spanish speak split sport sports "
    "spread start started state stock stocks stopped stops store story street strong struggling student study subir "
    "suddenly suegra sueno suicidarme summer sun sunny super supposed sure survival survive swallow swallowed sweet "
    "swelling swim switch swollen symptoms system table tables tablet tablets tal tall tan tanto tarde target tax "
    "taxes teach teacher team tele television tendre terrible text thank thanks think thinks thought three throat tia "
    "ticket tiempo tienda tio tired today todo together told tom tongue tonight took tool top torcida tosiendo tour "
    "town toy trabajo trago trague train travel treatment tree tren trending trends tres trip trouble truck true try "
    "turning tv two ugly ultim unable uncle unconscious understand university unresponsive upload usa usar user users "
    "uso usuario usuarios vacaciones vacation vecina vecino vecinos veneno ver viaje vida video vino visit viviendo "
    "vivir voy wait wake waking walk wall wanna watch water weak weather website wedding weekend went whats whole "
    "whom wife win window winner winter wish without woman women word words work world worst write wrong young "
    "yourself zoo"
)

FUNCTION_WORDS: Final[Mapping[str, frozenset[str]]] = {
    "en": frozenset(_FUNCTION_EN.split()),
    "es": frozenset(_FUNCTION_ES.split()),
}
"""Words that mean little by themselves; by them a question's language is known."""

CUES: Final[Mapping[str, frozenset[str]]] = {"en": frozenset(_CUES_EN.split()), "es": frozenset(_CUES_ES.split())}
"""Words that a question turns on, and by which a misspelt one is known."""

ORDINARY: Final = frozenset(_ORDINARY.split())
"""Words of every day: right as they stand, and no slips of a medical one."""

SPELLED_OUT: Final[Mapping[str, str]] = {
    "whats": "what is",
    "wats": "what is",
    "wat": "what",
    "wut": "what",
    "waht": "what",
    "wht": "what",
    "wich": "which",
    "witch": "which",
    "wen": "when",
    "whn": "when",
    "wehn": "when",
    "whens": "when is",
    "wheres": "where is",
    "whos": "who is",
    "hoo": "who",
    "hows": "how is",
    "wy": "why",
    "whi": "why",
    "im": "i am",
    "ive": "i have",
    "ill": "i will",
    "id": "i would",
    "dont": "do not",
    "doesnt": "does not",
    "didnt": "did not",
    "cant": "can not",
    "cannot": "can not",
    "couldnt": "can not",
    "wont": "will not",
    "isnt": "is not",
    "arent": "are not",
    "wasnt": "was not",
    "havent": "have not",
    "shouldnt": "should not",
    "u": "you",
    "ur": "your",
    "r": "are",
    "iz": "is",
    "teh": "the",
    "hte": "the",
    "lst": "last",
    "laast": "last",
    "q": "que",
    "k": "que",
    "ke": "que",
    "qe": "que",
    "kual": "cual",
    "qual": "cual",
    "kuando": "cuando",
    "cuand": "cuando",
    "quando": "cuando",
    "kien": "quien",
    "qien": "quien",
    "xq": "por que",
    "pq": "por que",
    "porq": "por que",
    "porque": "por que",
    "kiero": "quiero",
    "ai": "hay",
    "tngo": "tengo",
    "ase": "hace",
    "iso": "hizo",
    "ultma": "ultima",
    "medisina": "medicina",
    "medisinas": "medicinas",
    "asucar": "azucar",
    "meds": "medicines",
    "bp": "blood pressure",
    "nxt": "next",
    "bil": "bill",
    "dubble": "double",
    "hav": "have",
    "hi": "high",
    "sita": "cita",
    "breth": "breathe",
    "pian": "pain",
    "shud": "should",
    "appt": "appointment",
    "doc": "doctor",
    "tak": "take",
    "rx": "prescription",
    "pesaba": "peso",
    "pese": "peso",
    "weigh": "weight",
    "weighed": "weight",
    "heighth": "height",
}
"""Short forms and slips that are no near misses of what they mean."""

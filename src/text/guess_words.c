#include "text/guess_priv.h"

/*
 * What src/text/guess.c knows of each language: its most frequent words, letters that few
 * languages have, and endings. Words of several languages stand in each of their lists and weigh
 * less. They are written without accents, because people leave accents out and because one accent
 * can be written in two ways.
 */

/* clang-format off */
const tb_guess_list tb_guess_lists[TB_GUESS_LATIN] = {
    [EN] = {"en",
        "the of and to a in is it you that he was for on are with as i his they be at one have this from or had by hot "
        "but what some we can out other were all there when up use your how said an each she which do their if will way "
        "about many then them would like so these her long make thing see him two has look more day could go come did "
        "number no most people my over know than first who may down been now find any new part get place made where "
        "after back little only man year came show every good me give our under very just through us much before too "
        "here think also its into because should well must such even don t s ll ve re m isn doesn didn wasn won hello "
        "hi thanks thank please yes not never always today tomorrow yesterday morning night evening week month time "
        "take want need says saying went am being off again own same another why while those between both few going "
        "great world work life still last old high years right left house home water name next let tell call voice "
        "sentence text purple cat bye welcome something nothing everything someone everyone nobody cannot without "
        "within against around during sorry love friend friends read write speak say hear story once upon until since "
        "ago con dice favor mayor saber sea sin son tan van car chat encore grand ma madame pays pendant petite plus "
        "six ten ton tout vie den die fur gut hat kind land tag war chi cane dire dove due fare male solo tempo quest "
        "sole ate dues hem pot sense set dank door heel bat ale care din face opt jest pan pod barn dig god men sex "
        "till gun ad per red sun rain three four five seven eight nine milk coffee bread wine garden kitchen table "
        "window school book street daughter father mother brother sister peace king queen question answer important "
        "possible order message wait excuse hour hours child children problem moment texts voices speaks reads writes "
        "sleeps eats sees hears knows calls meeting starts begins ends press button open close server error test demo "
        "menu page chapter cafe chose comment pardon phrase route auto pulse era erase pace fill pare cap font "
        "lee llama mere mutter reunion pond rue vi nova san"},
    [ES] = {"es",
        "amigos amigas perfecto perfecta estupendo encantado encantada cuidado ninos nina ninas chicos chicas "
        "senores senoras perdone frio montana casas calles coches avion viaje viajes tienda tiendas "
        "cuesta cuanta cuantos cuantas quiza entiendo entiende entendido espero esperamos probando grabacion "
        "sonido palabra palabras cuento cuentos capitulo pagina paginas izquierda derecha temprano lunes martes "
        "miercoles viernes domingo enero febrero septiembre octubre noviembre diciembre doce trece catorce "
        "veinte treinta cuarenta cincuenta sesenta ochenta ciento doscientos quinientos millones tercero tercera "
        "cuarto cuarta quinto llamaba tuvo hubo hubiera podria podrias podemos podeis quieres queremos haces "
        "hacemos hacen haciendo diciendo viendo pasando comiendo trabajar trabajando vivir viviendo estudiar "
        "aprender aprendo profesor profesora desayuno almuerzo cerveza ropa ojos manos corazon hermanos hermanas "
        "abuelos boda cumpleanos felicidades tierra fuego bosque arbol arboles abierto cerrado lleno limpio "
        "joven viejo vieja pequeno pequena pequenos pequenas hermoso hermosa guapo guapa contenta cansado cansada "
        "hambre sueno miedo suerte verdad lugar vuelvo vuelve vuelta salir salgo entra quedar llevar lleva traer "
        "poner puesto puse dejar deja dejame callate tranquilo tranquila "
        "el la los las e un una unos unas y o u de del al a en que es por con no se su sus lo como mas pero le les ya "
        "este esta estos estas ese esa esos esas eso esto aquel aquella si porque muy sin sobre tambien me hasta hay "
        "donde quien quienes desde todo toda todos todas nos durante uno ni contra otros otra otro otras ante ellos "
        "ellas ella nosotros ustedes usted vosotros mi mis tu tus yo te ti antes algunos algunas algo alguien nada "
        "nadie nunca siempre ser soy eres somos son era eran fue fueron estar estoy estamos estan estaba he has ha "
        "hemos han habia hacer hace hizo hecho tener tengo tiene tienen tenia puede pueden puedo quiero quiere decir "
        "dice dijo va vamos van voy ir vez veces cada cual cuando cuanto entre mucho mucha muchos muchas poco poca "
        "pocos mismo misma asi aun aunque bien mal mejor peor mayor gran grande bueno buena buenos buenas dia dias "
        "noche noches tarde tardes manana hoy ayer ahora luego despues aqui alli alla casa ano anos hola adios gracias "
        "favor senor senora amigo amiga mundo vida tiempo hombre mujer ciudad pais agua perro gato nombre primero "
        "primera segundo dos tres cuatro cinco seis siete ocho nueve diez cien mil pues entonces mientras segun hacia "
        "tan tanto tal sea sido siendo estado dentro fuera lado parte trabajo gente espanol castellano lluvia sol "
        "llueve llego llegar camino libro calle nuevo nueva vive saber sabe creo tecnologia abre abra pulse boton rojo "
        "verde azul negro blanco caja leche cafe pan vino reunion instrucciones llamada llamo llama llamas vivo viven "
        "comer come cama cocina jardin puerta ventana mesa silla escuela coche ciencia historia guerra paz rey reina "
        "princesa erase momento ejemplo problema pregunta respuesta numero importante posible necesario siguiente "
        "ultimo ultima pedido compra correo mensaje espera espere estimado estimada saludos atentamente bienvenido "
        "bienvenida bienvenidos disculpe perdon juntos solamente gusta gustan gustaria necesito necesita debe deben "
        "debo sabes saben dar da dan hablar habla hablo hablan mira mire oye escucha empieza termina sube baja corre "
        "duerme lee leemos leer escribe gatos perros hijos hijo hija padre madre hermano hermana abuela abuelo feliz "
        "triste texto voz frase para tras solo cualquier cualquiera bajo mediante excepto ademas todavia traves cuyo "
        "cuya cuales demas dicho dicha debido nuestro nuestra nuestros nuestras vuestro vuestra suyo mio tuyo incluso "
        "etc aquello conmigo contigo alrededor cerca lejos arriba abajo delante detras quizas talvez usar usa uso "
        "opcion opciones archivo archivos existe valor error lista orden"},
    [FR] = {"fr",
        "le la les un une des du de et est en que qui dans pour pas sur ce cette ces il elle ils elles je tu nous vous "
        "on au aux avec se sa son ses mon ma mes ton ta tes leur leurs ne plus par mais ou si tout tous toute toutes "
        "comme y sont etait etaient ete etre suis es sommes etes ont avait avez avons ai as a fait faire dit bien sans "
        "peut peu aussi meme tres encore entre autre autres apres avant quand donc alors car ni cela ca ci c d l n s j "
        "m t qu quel quelle rien jamais toujours personne chez vers sous depuis pendant contre parce deux trois quatre "
        "cinq six sept huit neuf dix bonjour bonsoir merci salut oui non voici voila monde vie jour jours nuit matin "
        "soir aujourd hui demain hier maintenant ici homme femme maison temps annee ans petit petite grand grande bon "
        "bonne beau belle nouveau nouvelle vieux monsieur madame chat chien eau ville pays francais francaise moi toi "
        "lui eux beaucoup trop assez chaque quelques plusieurs veux veut vais va allons aller vient venir voir savoir "
        "sais pluie soleil histoire sait fais font aime aimer mange manger dort dormir boire parle parler ecoute livre "
        "chambre table rue route porte fenetre ecole voiture ami amie amis enfant enfants fille garcon pere mere frere "
        "soeur guerre paix roi reine chose choses question reponse numero possible important suivant dernier derniere "
        "commande achat message attendez bienvenue pardon excusez plait peux pouvez veuillez devez dois doit faut "
        "combien comment pourquoi quoi heure heures semaine mois fois aide texte voix phrase canape jardin ainsi lors "
        "lorsque afin dont deja selon fichier fichiers valeur liste erreur options utiliser utilisez ordre votre vos "
        "notre nos"},
    [DE] = {"de",
        "der die das den dem des ein eine einen einem einer eines und oder aber ist sind war waren wird werden wurde "
        "wurden sein seine seinen seiner ihr ihre ihren ihrem ich du er sie es wir mich dich sich uns euch mir dir ihm "
        "ihn ihnen mein meine dein deine unser nicht kein keine keinen nichts nie mit von zu zum zur auf in im an am "
        "aus bei beim nach vor fur durch gegen ohne um uber unter zwischen bis seit als wie wenn weil dass ob auch noch "
        "nur schon sehr so dann da hier dort wo was wer warum wann heute morgen gestern jetzt immer mehr viel viele "
        "alle alles etwas jemand man hat haben habe hatte hatten kann konnen konnte muss mussen will wollen soll sollte "
        "mag gibt geht gehen kommt kommen macht machen sagt sagen gut guten gute tag tage abend nacht hallo danke bitte "
        "ja nein welt leben zeit jahr jahre mann frau kind haus stadt land wasser hund katze name eins zwei drei vier "
        "funf sechs sieben acht neun zehn deutsch deutsche herr ganz gerade wieder damit denn doch also einmal neue "
        "neuen grosse kleine regen sonne mochte mochten trinkt isst schlaft liest schreibt hort sieht essen trinken "
        "schlafen lesen schreiben garten kuche tisch tur fenster schule auto buch strasse milch bier brot kaffee "
        "tochter sohn vater mutter bruder schwester freund freundin krieg frieden konig frage antwort nummer wichtig "
        "nachste letzte bestellung nachricht warten willkommen entschuldigung vielen bin bist seid werde wirst darf "
        "durfen konnten ins ums stunde stunden woche monat kinder kindern leute menschen text stimme satz spricht "
        "sprechen weiss wissen dank datei dateien wert liste fehler option optionen verwenden zeile ungultig diese "
        "dieser dieses diesem diesen welche welcher jede jeder jedes beide sowie jedoch falls bereits wahrend sonst "
        "einige"},
    [PT] = {"pt",
        "o a os as um uma uns umas e ou de do da dos das em no na nos nas que por pelo pela pelos pelas para com nao se "
        "seu sua seus suas mais mas como ao aos eu voce voces ele ela eles elas isso isto esse essa este esta aquele "
        "aquela foi foram ser sou somos sao era eram estao estou estava tem tenho temos tinha ter ha havia fazer faz "
        "fez feito pode podem posso quero quer dizer diz disse vai vamos vou ir vez vezes cada qual quando quanto entre "
        "muito muita muitos muitas pouco mesmo tambem ja so ate ainda bem mal melhor bom boa boas dia dias noite tarde "
        "manha hoje ontem amanha agora depois aqui ali la casa ano anos ola tchau obrigado obrigada favor senhor "
        "senhora amigo amiga mundo vida tempo homem mulher cidade pais agua cao gato nome primeiro primeira dois duas "
        "tres quatro cinco seis sete oito nove dez meu minha meus minhas teu tua sem sobre porque onde quem nada nunca "
        "sempre todo toda todos todas tudo outro outra outros outras algum alguma alguem ninguem nem lhe lhes num numa "
        "dele dela deles delas portugues chuva chove sol livro rua novo nova gente trabalho entao sim seja sido gosto "
        "gosta gostaria queremos preciso precisa deve devem sei sabe fala falar falo olha ouve comeca termina corre "
        "dorme ler escrever comer cozinha jardim porta janela mesa cadeira escola carro leite cafe pao vinho historia "
        "guerra paz rei rainha princesa momento exemplo problema pergunta resposta numero importante possivel seguinte "
        "ultimo ultima pedido compra mensagem espere desculpe pai mae irmao irma filho filha feliz triste texto voz "
        "frase reuniao horas brasileira brasileiro musica cachorro apos atraves cujo cuja quais demais arquivo arquivos "
        "ficheiro valor erro lista opcao opcoes usar usa uso existe nosso nossa nossos vosso seria deste desta nesse "
        "nessa neste nesta pois enquanto"},
    [IT] = {"it",
        "il lo la i gli le un uno una di del dello della dei degli delle e ed o a al allo alla ai agli alle da dal "
        "dallo dalla in nel nello nella nei nelle su sul sulla sui con per tra fra che chi cui non si ma se come anche "
        "piu sono sei siamo siete era erano essere stato stata ho hai ha abbiamo avete hanno aveva avere questo questa "
        "questi queste quello quella quelli quelle io tu lui lei noi voi loro mi ti ci vi mio mia miei tuo tua suo sua "
        "suoi nostro molto molta molti poco tutto tutta tutti tutte ogni altro altra altri cosa cosi dove quando perche "
        "quanto quale gia ancora sempre mai niente nulla ora oggi domani ieri adesso dopo prima qui li casa anno anni "
        "ciao grazie prego buongiorno buonasera buona buono giorno giorni notte sera mattina mondo vita tempo uomo "
        "donna citta paese acqua cane gatto nome due tre quattro cinque sette otto nove dieci bene male meglio grande "
        "nuovo nuova fare fatto fa dice detto dire puo posso voglio vuole va vado andare viene senza sopra sotto dell "
        "all nell sull dall quest l c signore signora pioggia sole italiano allora quindi pero solo sto stai stanno "
        "vorrei vorrebbe devo deve devono sai sanno parla parlo parlare guarda ascolta inizia finisce corre dorme legge "
        "leggere scrivere mangiare mangia bere cucina giardino porta finestra tavolo sedia scuola macchina latte caffe "
        "pane vino storia guerra pace re regina principessa momento esempio problema domanda risposta numero importante "
        "possibile prossimo ultimo ultima ordine messaggio aspetti benvenuto benvenuti scusi scusa padre madre fratello "
        "sorella figlio figlia felice triste testo voce frase riunione ore mille aiuto favore piacere piace strada "
        "libro tardi insieme durante mediante tramite presso proprio propria nostra nostri vostro file opzione opzioni "
        "usare valore errore lista elenco esiste pure oppure inoltre vengono"},
    [CA] = {"ca",
        "el la els les un una uns unes i o de del dels d l al als a en amb per pel pels que es son no s se seu seva "
        "seus seves ho hi li com mes pero si perque molt molta molts sense sobre tambe em m fins ha on qui des tot tota "
        "tots totes ens durant ni contra altres altre altra aquest aquesta aquests aquestes aquell aquella aixo allo jo "
        "tu ell ella nosaltres vosaltres ells elles meu meva teu teva soc ets som sou era eren va van ser estar esta "
        "estan estava he has hem heu han havia fer fa fet tenir tinc te tenen pot poden puc vull vol dir diu dia dies "
        "nit tarda mati avui dema ahir ara despres aqui alla casa any anys hola adeu gracies bon bona senyor senyora "
        "amic amiga mon vida temps home dona ciutat pais aigua gos gat nom primer primera dos dues tres quatre cinc sis "
        "set vuit nou deu res mai sempre massa quan quant cada qual entre poc mateix mateixa aixi ja bo ben millor gran "
        "catala llavors mentre cap doncs pluja plou sol llibre carrer nova us vos plau estas estic necessito cal deuen "
        "sap saps parla parlo parlar mira escolta comenca acaba corre dorm llegir escriure menjar menja beure cuina "
        "jardi porta finestra taula cadira escola cotxe llet cafe pa vi historia guerra pau rei reina princesa moment "
        "exemple problema pregunta resposta numero important possible seguent ultim ultima comanda compra missatge "
        "espereu benvingut benvinguts perdo pare mare germa germana fill filla trist text veu frase reunio hores mil "
        "ajuda vostra vostre sortir fitxer fitxers valor llista opcio opcions usar utilitza existeix nostre nostra "
        "nostres mitjancant encara segons abans nomes tampoc tant seria"},
    [GL] = {"gl",
        "o a os as un unha uns unhas e ou de do da dos das en no na nos nas que por polo pola polos polas para con non "
        "se seu sua seus suas mais pero como ao aos eu ti ela eles elas vos isto iso este esta estes estas ese aquel "
        "foi foron ser son somos era eran estou estan estaba ten tenho temos tina hai habia facer fai fixo feito pode "
        "poden podo quero quere dicir di dixo vai vamos vou ir vez veces cada cal cando canto entre moito moita moitos "
        "moitas pouco mesmo tamen xa so ata ainda ben mal mellor bo boa bos boas dia dias noite tarde mana hoxe onte "
        "agora despois aqui ali casa ano anos ola adeus grazas favor senor senora amigo amiga mundo vida tempo home "
        "muller cidade pais auga can gato nome primeiro primeira dous duas tres catro cinco seis sete oito nove dez meu "
        "mina meus teu tua sen sobre porque onde quen nada nunca sempre todo toda todos todas outro outra outros outras "
        "algun algunha ninguen nin lle lles galego choiva chove sol libro rua novo nova xente traballo enton si dunha "
        "dun nunha nun xunto gustame gustaria necesito precisa debe deben sei sabe fala falar falo mira escoita comeza "
        "remata corre durme ler escribir comer cocina xardin porta fiestra mesa cadeira escola coche leite cafe "
        "pan vino historia guerra paz rei raina princesa momento exemplo problema pregunta resposta numero importante "
        "posible seguinte ultimo ultima pedido compra mensaxe espere benvido benvidos desculpe pai nai irman irma fillo "
        "filla feliz triste texto voz frase reunion horas axuda feira opcion opcions ficheiro ficheiros valor lista "
        "usar existe noso nosa seria deste desta neste nesta durante segundo mediante antes"},
    [NL] = {"nl",
        "de het een en van in is dat op te zijn met voor niet aan er om ook als bij maar uit naar dan nog wel door over "
        "ze hij zij ik je jij we wij jullie u hem haar hun mij me mijn jouw uw ons onze die deze dit wat wie waar hoe "
        "waarom wanneer was waren heeft hebben heb had kan kunnen moet moeten wil willen zal zullen zou wordt worden "
        "werd geen niets nooit altijd veel meer heel erg goed goede dag dagen avond nacht morgen vandaag gisteren nu "
        "hier daar hallo dank bedankt alstublieft ja nee wereld leven tijd jaar jaren man vrouw kind huis stad land "
        "water hond kat naam twee drie vier vijf zes zeven acht negen tien tussen tegen zonder onder want omdat toen "
        "toch alleen al alle alles iets iemand gaat gaan komt komen doen maken zegt zeggen nederlands regen zon bestand "
        "bestanden waarde lijst fout optie opties gebruik gebruiken regel ongeldig elk elke beide zoals reeds tijdens "
        "volgens meerdere dus hierbij"},
    [EU] = {"eu",
        "eta da ez du dira bat hau hori dut izan zen ere baina edo dago egin nahi oso bai zer nor non noiz nola "
        "zergatik gure zure bere nire gu zu ni hura dute ditu zuen ziren naiz gara zara dugu duzu behar ahal beste "
        "guztiak asko gehiago orain gaur atzo bihar kaixo agur eskerrik egun on gabon arratsalde mundua bizitza etxea "
        "etxe ura herri urte bi hiru lau bost sei zazpi zortzi bederatzi hamar euskara batean arte baino horrek honek "
        "dela dena zituen zion dio ari gero hemen han fitxategia fitxategi balioa zerrenda errorea aukera erabili "
        "bakoitza biak horien eskaera bezala"},
    [RO] = {"ro",
        "si de la in cu un o este e sunt nu ca sa se pe din pentru mai care ce el ea ei ele eu tu noi voi era au am ai "
        "a fi fost are avem aveti lui lor sau dar daca cum cand unde cine foarte mult multe mic mare tot toate toti "
        "acest aceasta acestea acesta acel acum azi ieri maine aici acolo casa an ani zi zile noapte seara dimineata "
        "buna ziua salut multumesc rog da lume viata timp om femeie oras tara apa caine pisica nume doi doua trei patru "
        "cinci sase sapte opt noua zece fara peste despre prin intre dupa inainte numai doar inca deja niciodata nimic "
        "ceva cineva al ale unui unei iar astfel atunci poate trebuie vreau face facut romana ploaie fisier fisierul "
        "fisiere valoare lista eroare optiune folosi fiecare ambele precum decat conform oricare exista"},
    [PL] = {"pl",
        "i w z na do nie sie jest to ze o jak co po tak za od dla przez ale a czy jego jej ich moj moja twoj nasz ja ty "
        "on ona ono my wy oni ten ta te tego tej tym tych ktory ktora ktore ktorych byl byla bylo byly byc jestem "
        "jestes sa ma mam maja miec moze mozna musi chce bardzo wiecej tylko juz jeszcze tez takze gdzie kiedy dlaczego "
        "kto nic nigdy zawsze wszystko wszyscy dzien dni noc dobry dobra dobre dzis dzisiaj jutro wczoraj teraz tutaj "
        "tam dom rok lat czesc dziekuje prosze swiat zycie czas czlowiek kobieta miasto kraj woda pies kot imie jeden "
        "dwa trzy cztery piec szesc siedem osiem dziewiec dziesiec bez nad pod przed miedzy ktos cos pan pani polski "
        "deszcz plik pliku plikow wartosc lista blad opcja opcje uzyj uzycie nieprawidlowy kazdy kazda oraz lub albo "
        "jesli jezeli wiec podczas wedlug przy"},
    [SV] = {"sv",
        "och i att det som en pa ar av for med till den har de inte om ett han men var jag sig fran vi sa kan nar "
        "skulle man hon under hade ut eller vad sin efter upp dar mot da ska hur nu mycket blev bara aven mer du denna "
        "detta dessa dig mig oss er deras hans hennes min din vara alla allt nagon nagot ingen inget aldrig alltid dag "
        "dagar natt kvall morgon idag igar imorgon hej tack snalla ja nej varlden livet tid mannen kvinna barn hus stad "
        "land vatten hund katt namn tva tre fyra fem sex sju atta nio tio utan over mellan varfor vem vill maste gor "
        "gora kommer blir ocksa svenska regn sol god gott fil filer varde lista fel alternativ anvand ogiltig varje "
        "bada samt enligt medan eftersom fortfarande vilken vilket vilka finns inom"},
    [TR] = {"tr",
        "ve bir bu da de icin ile cok ne o ben sen biz siz onlar var yok daha gibi kadar ama ancak ki mi mu degil "
        "olarak olan oldu olur her sey hic simdi sonra once bugun yarin dun burada orada ev yil gun gece sabah aksam "
        "iyi merhaba tesekkurler tesekkur ederim lutfen evet hayir dunya hayat zaman insan kadin adam cocuk sehir ulke "
        "su kopek kedi ad iki uc dort bes alti yedi sekiz dokuz on benim senin onun bizim neden nasil nerede kim hangi "
        "cunku eger veya ya hem icinde uzerinde tarafindan en buyuk kucuk guzel yeni turkce yagmur dosya dosyasi deger "
        "liste hata secenek kullan gecersiz tum ayni ise yalnizca baska"},
    [HU] = {"hu",
        "a az es hogy nem is egy ez de csak van meg mar ha mint vagy el azt en te mi ti ok aki ami igen volt lesz lehet "
        "kell nagyon minden ki be fel le itt ott most ma holnap tegnap mert amikor akkor olyan ilyen mas sok tobb jo "
        "nap ejszaka reggel este koszonom szia kerem viz haz kutya macska varos orszag ember ev ido elet vilag nev "
        "ketto harom negy ot hat het nyolc kilenc tiz magyar hol miert hogyan ezt arra erre nincs vannak voltak szerint "
        "utan kozott alatt felett nelkul altal ezek azok fajl ertek hiba lista"},
    [CS] = {"cs",
        "a je se na v ze to s z do o i k jako za ale po by jsem jsi jsme jste jsou byl byla bylo byli byt ma mam mate "
        "maji nebo pro pri jeho jeji jejich muj moje tvoj nas vas ja ty on ona ono my vy oni ten ta te tento tato toto "
        "ktery ktera ktere co kdo kde kdy proc jak uz jeste jen take velmi vice tak pak kdyz protoze aby nez od bez pod "
        "nad pred mezi neni nic nikdy vzdy vse vsechno dnes zitra vcera ted tady tam den dny noc rano vecer dobry dobra "
        "dobre ahoj dekuji prosim ano ne svet zivot cas clovek zena muz mesto zeme voda pes kocka jmeno jeden dva tri "
        "ctyri pet sest sedm osm devet deset cesky soubor hodnota chyba seznam"},
    [DA] = {"da",
        "og i at det som en pa er af for med til den har de ikke om et han men var jeg sig fra vi kan nar skulle man "
        "hun havde ud eller hvad sin efter op der mod da skal hvordan nu meget blev kun ogsa mere du denne dette disse "
        "dig mig os jer deres hans hendes min din vaere alle alt nogen noget ingen intet aldrig altid dag dage nat "
        "aften morgen idag igar hej tak ja nej verden livet tid ar mand kvinde barn hus by land vand hund kat navn to "
        "tre fire fem seks syv otte ni ti uden over mellem hvorfor hvem vil ma gor kommer bliver dansk regn sol god "
        "godt fil filer vaerdi liste fejl ugyldig hver begge mens"},
    [FI] = {"fi",
        "ja on ei se etta oli han en mutta ovat kun niin mita myos tai joka nyt jos vain sen ole olla mina sina me te "
        "he mika kuin kaikki hyvin jo viela sitten siella taalla tama nama nuo tassa sita jotka jonka missa milloin "
        "miksi miten kuka mukaan ennen jalkeen kanssa ilman yli alla voi voit pitaa tulee olen olet olemme olivat ollut "
        "tanaan huomenna eilen paiva yo aamu ilta hyvaa huomenta kiitos hei moi kylla maailma elama aika ihminen mies "
        "nainen lapsi talo kaupunki maa vesi koira kissa nimi yksi kaksi kolme nelja viisi kuusi seitseman kahdeksan "
        "yhdeksan kymmenen suomi suomea aina koskaan paljon tiedosto arvo virhe lista"},
};

#define B(x) (1u << (x))

const tb_guess_letter tb_guess_letters[] = {
    {0xA1, B(ES) | B(GL)}, {0xBF, B(ES) | B(GL)}, /* the opening marks */
    {0xDF, B(DE)},
    {0xE0, B(FR) | B(IT) | B(CA) | B(PT)},
    {0xE1, B(HU) | B(CS) | B(ES) | B(PT) | B(CA) | B(GL)},
    {0xE2, B(FR) | B(PT) | B(RO)},
    {0xE3, B(PT)},
    {0xE4, B(FI) | B(DE) | B(SV)},
    {0xE5, B(DA) | B(SV)},
    {0xE7, B(FR) | B(PT) | B(CA) | B(TR)},
    {0xE8, B(FR) | B(IT) | B(CA)},
    {0xE9, B(HU) | B(CS) | B(ES) | B(FR) | B(PT) | B(CA) | B(GL) | B(NL) | B(IT)},
    {0xEA, B(FR) | B(PT)},
    {0xEB, B(FR) | B(NL)},
    {0xEC, B(IT)},
    {0xED, B(HU) | B(CS) | B(ES) | B(PT) | B(CA) | B(GL)},
    {0xEE, B(FR) | B(RO)},
    {0xEF, B(FR) | B(CA) | B(GL) | B(NL)},
    {0xF1, B(ES) | B(GL) | B(EU)},
    {0xF2, B(IT) | B(CA)},
    {0xF3, B(HU) | B(CS) | B(ES) | B(PT) | B(CA) | B(GL) | B(PL)},
    {0xF4, B(FR) | B(PT)},
    {0xF5, B(PT)},
    {0xF6, B(HU) | B(FI) | B(DE) | B(SV) | B(TR)},
    {0xF9, B(FR) | B(IT)},
    {0xFA, B(HU) | B(CS) | B(ES) | B(PT) | B(CA) | B(GL)},
    {0xFB, B(FR) | B(TR)},
    {0xFC, B(HU) | B(DE) | B(ES) | B(CA) | B(TR) | B(GL)},
    {0x103, B(RO)}, {0x105, B(PL)}, {0x107, B(PL)}, {0x119, B(PL)}, {0x11F, B(TR)},
    {0x131, B(TR)}, {0x140, B(CA)}, {0x142, B(PL)}, {0x144, B(PL)}, {0x153, B(FR)},
    {0x15B, B(PL)}, {0x15F, B(TR) | B(RO)}, {0x163, B(RO)}, {0x17A, B(PL)}, {0x17C, B(PL)},
    {0xE6, B(DA)},
    {0xF8, B(DA)},
    {0x151, B(HU)},
    {0x171, B(HU)},
    {0x10D, B(CS)},
    {0x10F, B(CS)},
    {0x11B, B(CS)},
    {0x148, B(CS)},
    {0x159, B(CS)},
    {0x161, B(CS)},
    {0x165, B(CS)},
    {0x16F, B(CS)},
    {0x17E, B(CS)},
    {0xFD, B(CS)},
    {0x219, B(RO)}, {0x21B, B(RO)},
};

const tb_guess_ending tb_guess_endings[] = {
    {"cion", B(ES) | B(GL)}, {"ciones", B(ES)}, {"iendo", B(ES)}, {"ando", B(ES) | B(PT) | B(IT) | B(GL)},
    {"idad", B(ES)}, {"idades", B(ES) | B(PT) | B(GL)}, {"mente", B(ES) | B(PT) | B(IT) | B(GL)},
    {"ados", B(ES) | B(PT) | B(GL)}, {"adas", B(ES) | B(PT) | B(GL)},
    {"ado", B(ES) | B(PT) | B(GL)}, {"ada", B(ES) | B(PT) | B(GL) | B(CA)}, {"ido", B(ES) | B(PT) | B(GL)},
    {"aron", B(ES)}, {"ieron", B(ES)}, {"acao", B(PT)}, {"coes", B(PT)}, {"avam", B(PT)}, {"aram", B(PT)},
    {"zione", B(IT)}, {"zioni", B(IT)}, {"mento", B(ES) | B(PT) | B(IT) | B(GL)}, {"ttore", B(IT)},
    {"ement", B(FR)}, {"eur", B(FR)}, {"eurs", B(FR)}, {"oire", B(FR)}, {"erie", B(FR) | B(DE)},
    {"euse", B(FR)}, {"ique", B(FR)}, {"aient", B(FR)}, {"eaux", B(FR)}, {"tion", B(EN) | B(FR)},
    {"ung", B(DE)}, {"ungen", B(DE)}, {"keit", B(DE)}, {"heit", B(DE)}, {"lich", B(DE)}, {"ische", B(DE) | B(NL)},
    {"itat", B(CA) | B(DE)}, {"atge", B(CA)}, {"cions", B(CA)},
    {"ing", B(EN) | B(NL) | B(SV)}, {"ness", B(EN)}, {"ful", B(EN)}, {"tions", B(EN) | B(FR)}, {"ably", B(EN)},
    {"ously", B(EN)}, {"ight", B(EN)}, {"ould", B(EN)}, {"lijk", B(NL)}, {"heid", B(NL)}, {"ningen", B(NL) | B(SV)},
};
/* clang-format on */

const size_t tb_guess_letters_n = sizeof tb_guess_letters / sizeof tb_guess_letters[0];
const size_t tb_guess_endings_n = sizeof tb_guess_endings / sizeof tb_guess_endings[0];

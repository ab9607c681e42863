import pytest

from components.ingestion import sources
from components.ingestion.parsing import legacy_encodings
from curation.look import reading
from errors import UserError
from spec.data import Data

LANGUAGES = {
    "Polish": "Łódź;Kraków;Gdańsk;Wrocław;Częstochowa;Świdnica;Żary;Müller \u2013 5 €",
    "Czech": "Plzeň;Česká Třebová;Ústí nad Labem;Žďár;Děčín;Kroměříž",
    "Slovak": "Ľubochňa;Šaľa;Žilina;Ťažký;Nová Baňa",
    "Hungarian": "Győr;Székesfehérvár;Kőszeg;Gyöngyös;Füzesabony",
    "Croatian": "Čakovec;Šibenik;Đakovo;Požega",
    "Turkish": "İstanbul;Ağr\u0131;Muş;Ş\u0131rnak;Çorum;Üsküdar",
    "Russian": "Москва;Казань;Санкт-Петербург;Новосибирск;ИТОГО",
    "Ukrainian": "Київ;Львів;сума;Одеса",
    "Greek": "Αθήνα;Θεσσαλονίκη;Πάτρα;ποσό",
    "Chinese": "张三;李四;北京;销售额;日期",
    "Korean": "서울;부산;매출액;날짜",
    "Japanese": "東京;カタカナ;ひらがな;大阪",
    "Kanji": "東京都;横浜市;大阪市;佐々木",
    "German": "Größe;Köln;Ärzte;Fläche m²;„Büro“ \u2013 5 €;Verbrauch m³;Menge¹",
    "Units": "Volumen m³;Producción",
    "Prices": "12,50 €;13,75 €;2 €",
    "One word": "Größe;M;L",
    "Two digits": "Ø 12;Menge¹",
    "French": "Mère;août;sûr;Genève;garçon;œuvre;naïf;Zürich",
    "Spanish": "¿Cuál es tu género?;niño;España;años;Ángel",
    "Portuguese": "ação;Camões;não;José;três;útil",
    "Italian": "città;perché;più;è;lunedì;però;virtù",
    "Norwegian": "Tromsø;Ålesund;Måløy;Tórshavn",
    "Icelandic": "Þórður;Ísafjörður;Höfn;Reykjavík;ýmis",
    "Estonian": "Võru;Pärnu;Jõgeva;Tõstamaa;üks",
    "Dutch": "België;één;coördinatie",
}


@pytest.mark.parametrize(
    ("encoding", "language"),
    [
        ("cp1250", "Polish"),
        ("iso8859_2", "Polish"),
        ("cp1250", "Czech"),
        ("iso8859_2", "Czech"),
        ("cp1250", "Slovak"),
        ("iso8859_2", "Slovak"),
        ("cp1250", "Hungarian"),
        ("cp1250", "Croatian"),
        ("cp1254", "Turkish"),
        ("cp1251", "Russian"),
        ("koi8_r", "Russian"),
        ("cp866", "Russian"),
        ("cp1251", "Ukrainian"),
        ("cp1253", "Greek"),
        ("gb18030", "Chinese"),
        ("euc_kr", "Korean"),
        ("euc_jp", "Japanese"),
        ("shift_jis", "Japanese"),
        ("shift_jis", "Kanji"),
        ("cp1252", "German"),
        ("cp1252", "Units"),
        ("cp1252", "Prices"),
        ("cp1252", "One word"),
        ("cp1252", "Two digits"),
        ("cp1252", "French"),
        ("cp1252", "Spanish"),
        ("cp1252", "Portuguese"),
        ("cp1252", "Italian"),
        ("cp1252", "Norwegian"),
        ("cp1252", "Icelandic"),
        ("cp1252", "Estonian"),
        ("cp1252", "Dutch"),
        ("cp850", "Italian"),
        ("cp850", "Dutch"),
    ],
)
def test_the_encoding_follows_from_the_letters(encoding, language):
    text = "id,city\n" + LANGUAGES[language].replace(";", ",1\n2,") + "\n"
    assert legacy_encodings.guess(text.encode(encoding, "ignore")) == encoding


@pytest.mark.parametrize(
    ("encoding", "language"), [("cp1250", "Polish"), ("cp1251", "Russian"), ("gb18030", "Chinese")]
)
def test_new_says_that_the_encoding_is_a_guess_and_an_error_proposes_it(tmp_path, encoding, language):
    cities = LANGUAGES[language].split(";")[:4]
    rows = "".join(f"{number},{cities[number % 4]}\n" for number in range(40))
    path = tmp_path / "t.csv"
    path.write_bytes(f"n,city\n{rows}".encode(encoding))
    data = reading.read(str(path), str(tmp_path))

    assert data.values["csv"] == {"encoding": encoding}
    assert f"{encoding} is a guess: check letters such as those of '{cities[0]}'" in data.findings[0]
    assert set(data.table["city"].to_pylist()) == set(cities)
    with pytest.raises(UserError, match=f'set its encoding, as in csv = {{encoding = "{encoding}"}} under '):
        list(sources.batches(str(path), Data(path=str(path)), {"city": "BYTES"}))

"""Short files of names and titles in many encodings: shown right, or asked about."""

import pytest

from core.basics.errors import DataError
from core.data.reading.encoding import ENCODINGS, guess_from
from core.data.reading.preview import guess_options, preview_file

TEXTS = {
    "gb18030": [
        "用户,商品,评分\n张伟,红楼梦,5\n王芳,三体,4\n李娜,活着,3\n",
        "会员,电影\n小明,霸王别姬\n小红,大话西游\n阿强,无间道\n",
        "id,书名\n1,百年孤独\n2,平凡的世界\n3,围城\n4,骆驼祥子\n",
        "user,title\nu1,哈利波特与魔法石\nu2,时间简史\nu3,经济学原理\n",
        "user,item\nu1,手机壳\nu2,蓝牙耳机\nu3,充电器\nu4,笔记本电脑\n",
        "user,title\nu1,射雕英雄传\nu2,天龙八部\n",
        "用户名,课程\n小李,机器学习\n小王,数据结构\n",
        "u,i\nu1,雪碧\nu2,牛奶糖\nu3,洗发水\n",
        "user,item\n老赵,羽毛球拍\n",
        "id,name\n1,北京烤鸭店\n2,兰州拉面馆\n",
    ],
    "cp950": [
        "會員,商品,評分\n張偉,紅樓夢,5\n王芳,三體,4\n李娜,活著,3\n",
        "用戶,電影\n小明,霸王別姬\n小紅,大話西遊\n阿強,無間道\n",
        "id,書名\n1,百年孤寂\n2,平凡的世界\n3,圍城\n4,駱駝祥子\n",
        "user,title\nu1,哈利波特與魔法石\nu2,時間簡史\nu3,經濟學原理\n",
        "user,item\nu1,手機殼\nu2,藍牙耳機\nu3,充電器\nu4,筆記型電腦\n",
        "user,title\nu1,射鵰英雄傳\nu2,天龍八部\n",
        "姓名,課程\n小李,機器學習\n小王,資料結構\n",
        "u,i\nu1,雪碧\nu2,牛奶糖\nu3,洗髮精\n",
        "id,name\n1,臺北小吃店\n2,鼎泰豐\n",
    ],
    "cp932": [
        "ユーザー,商品,評価\n顧客1,品1,5\n顧客2,品2,4\n",
        "user,title\nu1,吾輩は猫である\nu2,ノルウェイの森\nu3,雪国\n",
        "会員,映画\n田中,千と千尋の神隠し\n鈴木,七人の侍\n佐藤,となりのトトロ\n",
        "user,item\nu1,ゲーム機\nu2,スマホケース\nu3,お茶\n",
        "id,name\n1,東京物語\n2,羅生門\n3,銀河鉄道の夜\n",
        "u,t\nu1,君の名は。\nu2,風の谷のナウシカ\n",
        "名前,趣味\n山本,釣り\n松本,将棋\n",
        "u,i\nu1,カメラ\nu2,イヤホン\n",
    ],
    "euc_jp": [
        "user,title\nu1,吾輩は猫である\nu2,ノルウェイの森\nu3,雪国\n",
        "会員,映画\n田中,千と千尋の神隠し\n鈴木,七人の侍\n佐藤,となりのトトロ\n",
        "user,item\nu1,ゲーム機\nu2,スマホケース\nu3,お茶\n",
    ],
    "cp949": [
        "user,item,rating\n고객1,상품1,5\n고객2,상품2,4\n",
        "user,title\nu1,기생충\nu2,올드보이\nu3,부산행\n",
        "회원,영화\n김철수,살인의 추억\n이영희,괴물\n박민수,왕의 남자\n",
        "id,name\n1,엄마를 부탁해\n2,채식주의자\n3,소년이 온다\n",
        "user,item\nu1,휴대폰 케이스\nu2,무선 이어폰\nu3,노트북\n",
        "u,t\nu1,타짜\nu2,아가씨\nu3,헤어질 결심\n",
        "이름,책\n지훈,토지\n서연,태백산맥\n",
        "u,i\nu1,운동화\nu2,커피머신\n",
    ],
    "cp1251": [
        "user;item;rating\nклиент1;товар1;4\nклиент2;товар2;5\n",
        "user;title\nu1;Война и мир\nu2;Мастер и Маргарита\nu3;Преступление и наказание\n",
        "имя,фильм\nИван,Сталкер\nОльга,Солярис\nПётр,Брат\n",
        "user,item\nu1,чехол\nu2,наушники\nu3,ноутбук\n",
        "id,КНИГА\n1,ИДИОТ\n2,БЕСЫ\n3,МЁРТВЫЕ ДУШИ\n",
        "u;t\n1;Анна Каренина\n2;Отцы и дети\n",
        "u;i\nu1;чайник\nu2;утюг\n",
        "ФИО;ТОВАР\nПЕТРОВ;ХОЛОДИЛЬНИК\n",
        "u,i\nu1,Ведьмак 3\n",
    ],
    "koi8-r": [
        "user;title\nu1;Война и мир\nu2;Мастер и Маргарита\nu3;Преступление и наказание\n",
        "имя,фильм\nИван,Сталкер\nОльга,Солярис\nПётр,Брат\n",
        "user,item\nu1,чехол\nu2,наушники\nu3,ноутбук\n",
        "u;t\n1;Анна Каренина\n2;Отцы и дети\n",
        "u;i\nu1;чайник\nu2;утюг\n",
    ],
    "cp1250": [
        "user;title\nu1;Žert\nu2;Příliš hlučná samota\nu3;Osudy dobrého vojáka Švejka\n",
        "user;title\nu1;Solaris\nu2;Chłopi\nu3;Ziemia obiecana\nu4;Zbrodnia i kara – śledztwo\n",
        "user;item\nu1;Tükör\nu2;Az ajtó\nu3;Egri csillagok\nu4;Édes Anna, ős\n",
        "u;t\nu1;Kytice z pověstí národních\nu2;Válka s mloky\n",
        "u;t\nu1;Wesele\nu2;Potop\nu3;Krzyżacy\nu4;Pan Wołodyjowski\n",
        "u;t\nu1;Légy jó mindhalálig\nu2;A kőszívű ember fiai\n",
    ],
    "iso8859-2": [
        "user;title\nu1;Žert\nu2;Příliš hlučná samota\nu3;Osudy dobrého vojáka Švejka\n",
        "user;title\nu1;Solaris\nu2;Chłopi\nu3;Ziemia obiecana\nu4;śledztwo\n",
    ],
    "cp1253": [
        "χρήστης;ταινία\nΓιώργος;Ζορμπάς\nΜαρία;Ο θίασος\n",
        "user;title\nu1;Ζορμπάς\nu2;Αξιον Εστί\nu3;Το τρίτο στεφάνι\n",
        "u;t\nu1;Οδύσσεια\nu2;Ιλιάδα\n",
    ],
    "cp1254": [
        "user;title\nu1;Kürk Mantolu Madonna\nu2;İnce Memed\nu3;Kar beyaz ışık, ağaç, şehir\n",
        "user;item\nu1;kulaklık\nu2;kılıf\nu3;çanta ve ayakkabı\n",
        "u;t\nu1;Çalıkuşu\nu2;Tutunamayanlar\nu3;Beyaz Kale, Benim Adım Kırmızı\n",
    ],
    "cp1252": [
        "user;title\nu1;Les Misérables\nu2;À la recherche du temps perdu\nu3;L’Étranger\n",
        "user;title\nu1;Die Verwandlung\nu2;Der Prozeß\nu3;Über den Fluß\nu4;Fräulein Else\n",
        "user;title\nu1;Cien años de soledad\nu2;La casa de los espíritus\nu3;El túnel\n",
        "user,item\nu1,Café\nu2,Crème brûlée\n",
        "user,item\nu1,Dom Casmurro\nu2,Grande Sertão\nu3,A Paixão Segundo\nu4,memórias póstumas\n",
        "user,item\nJosé,Amélie\nZoë,Pokémon\n",
        "user,item,price\nu1,Bücher,5 €\nu2,Spaß,3 €\n",
        "user,item\nu1,Motörhead\nu2,Sigur Rós\nu3,Björk\nu4,Ágætis byrjun\n",
        "user,item\nBjørn,Sult\nÅse,Kon-Tiki på havet\nSøren,Frøken Smillas fornemmelse for sne\n",
        "user,item\nu1,Är det något\nu2,Män som hatar kvinnor\nu3,Låt den rätte komma in\n",
        "user,item\nu1,Don Quichotte — l’ingénieux\nu2,“Emma”\n",
        "u;t\nu1;Madame Bovary\nu2;Le Père Goriot\n",
        "u;t\nu1;Götz von Berlichingen\nu2;Die Räuber\n",
        "u;t\nu1;La Celestina\nu2;Niebla\nu3;El árbol de la ciencia\n",
        "u;t\nu1;Os Lusíadas\nu2;O Primo Basílio\nu3;Dom João\n",
        "u;t\nu1;Così fan tutte\nu2;La Traviata\nu3;perché no\n",
        "u;t\nu1;Pippi Långstrump\nu2;Gösta Berlings saga\n",
        "user,item\nMüller,Käse\nWeiß,Brötchen\n",
        "u;t\n1;Déjà vu\n",
        "u;t\n1;naïve\n2;façade\n",
        "u,i\n1,30 °C Wäsche\n",
    ],
    "latin-1": [
        "user;title\nu1;Les Misérables\nu2;À la recherche du temps perdu\n",
        "user,item\nJosé,Amélie\nZoë,Pokémon\n",
    ],
}


@pytest.mark.parametrize(
    ("encoding", "text"), [(name, text) for name, texts in TEXTS.items() for text in texts]
)
def test_a_short_text_is_shown_right_or_asked_about(encoding, text):
    guess = guess_from(text.encode(encoding))
    assert guess.encoding in ENCODINGS
    shown = text.encode(encoding).decode(guess.encoding, errors="replace")
    assert shown == text or guess.doubtful


@pytest.mark.parametrize("encoding", TEXTS)
def test_a_longer_text_is_shown_right_without_asking(encoding):
    text = "".join(TEXTS[encoding])
    guess = guess_from(text.encode(encoding))
    assert (text.encode(encoding).decode(guess.encoding), guess.doubtful) == (text, False)


def test_a_doubt_is_shown_with_a_piece_of_the_text_and_refused_on_the_command_line(tmp_path):
    file = tmp_path / "titles.csv"
    file.write_bytes("user,item\nu1,Crème brûlée\n".encode("cp1252"))
    [doubt] = preview_file(file).doubts
    assert doubt.what == (
        "The encoding is a guess: 'u1,Crème brûlée' in latin-1 could be 'u1,Crčme brűlée' in "
        "cp1250."
    )
    assert list(doubt.choices) == ["latin-1", "cp1250"]
    with pytest.raises(DataError, match=r"titles\.csv: The encoding is a guess"):
        guess_options(file)
    assert preview_file(file, encoding="latin-1").doubts == []


def test_a_torn_character_does_not_make_utf_8_another_encoding():
    text = "".join(f"u{n},Crème brûlée {n}\n" for n in range(9)).encode() + b"u9,Cr\xc3me\n"
    guess = guess_from(text)
    assert (guess.encoding, guess.doubtful) == ("utf-8", False)


def test_bytes_that_are_no_text_are_a_doubt():
    assert guess_from(bytes(range(128, 256)) * 20).doubtful


def test_short_lines_of_two_byte_letters_are_not_taken_for_utf_8():
    """Two letters at the head of every line look like the end of a cut UTF-8 character."""
    text = "使用者,商品,評分\n" + "".join(f"客戶{n:04},商品{n:03},4\n" for n in range(50))
    assert guess_from(text.encode("big5")).encoding == "cp950"

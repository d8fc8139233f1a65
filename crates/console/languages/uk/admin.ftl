# Адміністрування.

over-how-but = { $how }; { $but }
over-waits = { $many ->
    [one] { $many } справа чекає на вас
    [few] { $many } справи чекають на вас
   *[many] { $many } справ чекають на вас
}
over-linked = підключених облікових записів
over-verify = на перевірку
over-asking = просять довіри
over-people = з обліковим записом
over-verify-one = Перевірити { $name }
over-trust-one = Довірити { $what }
over-waiting = Чекає на вас
over-nothing = Нічого не чекає. Тут з’являються нові застосунки та запити на довіру.
over-caption = Що чекає на адміністратора
over-what = Що
over-for = Про що
over-since = Відколи
over-all = Усі такі сервіси
adm-apps-empty = Жодного застосунку не зареєстровано. Надайте комусь роль розробника, і ця людина зможе зареєструвати застосунок на порталі розробника.
adm-apps-people = До людей
adm-apps-caption = Застосунки, спершу ті, що чекають на перевірку
verif-withdraw-question = Скасувати перевірку { $name }?
verif-none = Зараз йому не довірено жодної з ваших інтеграцій.
verif-some = { $many ->
    [one] Йому довірено { $many } інтеграцію.
    [few] Йому довірено { $many } інтеграції.
   *[many] Йому довірено { $many } інтеграцій.
}
verif-trust = { $many ->
    [one] Довіра до { $many } інтеграції закінчиться: він не зможе користуватися тим, що люди там підключили.
    [few] Довіра до { $many } інтеграцій закінчиться: він не зможе користуватися тим, що люди там підключили.
   *[many] Довіра до { $many } інтеграцій закінчиться: він не зможе користуватися тим, що люди там підключили.
}
verif-people = Людям, які в ньому входять, буде сказано, що ніхто не перевіряв, хто його створив.
verif-stays = Реєстрація залишиться. Його можна перевірити знову; довіру доведеться надати заново.
grant-with = { $client } — { $integration }
grant-none = Жодному застосунку ще не довірено інтеграцію
grant-some = { $many ->
    [one] Чинний { $many } дозвіл
    [few] Чинні { $many } дозволи
   *[many] Чинно { $many } дозволів
}
grant-waits = { $many ->
    [one] { $many } запит чекає на вас
    [few] { $many } запити чекають на вас
   *[many] { $many } запитів чекають на вас
}
grant-empty = Жоден застосунок не просив про інтеграцію. Розробники просять на сторінці свого застосунку.
grant-caption = Що дозволено застосункам з інтеграціями, спершу запити
grant-what-with = Застосунок та інтеграція
grant-requested = Про це просить розробник. Рішення за вами.
grant-granted = Застосунку довірено. Ви можете змінити умови або скасувати довіру.
grant-withdrawn = Застосунку не довірено. Ви можете надати довіру знову.
grant-who = Хто просить і про що
grant-asked = Про що просить
grant-only-linked = Лише чи підключено обліковий запис
grant-asked-at = Подано
grant-terms = Умови
grant-act = Надати довіру
grant-save = Зберегти
grant-asked-mark = Про це просять.
grant-may = Йому дозволено
grant-may-hint = Чи підключено обліковий запис, видно завжди.
grant-proxy = Адреси, до яких він може звертатися напряму
grant-proxy-hint = По одній у рядку: метод і шлях, де * означає одну частину, наприклад { $example }
grant-proxy-wrong = «{ $line }» — це не метод і шлях, як-от { $example }
grant-scopes = Дозволи сервісу, якими він може користуватися
grant-scopes-hint = Через пробіл. Порожньо: усі, про які просить інтеграція.
grant-rate = Викликів на хвилину
grant-withdraw = Скасувати довіру
grant-withdraw-question = Скасувати довіру: { $client } — { $integration }?
grant-withdraw-lead = { $client } більше не зможе користуватися тим, що люди підключили в { $integration }.
grant-withdraw-once = Це діє одразу, на кожному вузлі.
grant-withdraw-linked = Облікові записи людей у { $integration } залишаться підключеними, інші застосунки працюватимуть, як і раніше.
grant-withdraw-again = Розробник може попросити знову, а ви — знову надати.
fault-verify-first = Спершу перевірте застосунок.
fault-spaces = Розділяються пробілами.
fault-number = Має бути числом.
int-none = Ще не налаштовано жодної інтеграції
int-some = { $many ->
    [one] Налаштовано { $many } інтеграцію
    [few] Налаштовано { $many } інтеграції
   *[many] Налаштовано { $many } інтеграцій
}
int-attention = { $many ->
    [one] { $many } потребує уваги
    [few] { $many } потребують уваги
   *[many] { $many } потребують уваги
}
int-disabled = Вимкнено
int-enabled = Увімкнено
int-needs-attention = Потребує уваги
int-linked = { $many ->
    [one] Підключено { $many } обліковий запис.
    [few] Підключено { $many } облікові записи.
   *[many] Підключено { $many } облікових записів.
}
int-again = { $many ->
    [one] { $many } потрібно підключити знову.
    [few] { $many } потрібно підключити знову.
   *[many] { $many } потрібно підключити знову.
}
int-add = Додати інтеграцію
int-add-act = Додати інтеграцію
int-first = Додайте першу інтеграцію
int-empty = Виберіть сторонній сервіс із каталогу, зареєструйте там Hilum і введіть отримані ідентифікатор клієнта й секрет.
int-caption = Інтеграції та їхній стан
int-provider = Постачальник
int-accounts = Підключені облікові записи
int-attention-many = Потребують уваги
int-add-one = Додати { $name }
int-all = Усі сервіси
int-add-lead = Зареєструйте там цей сервер з адресою повернення { $callback }, а потім введіть отримане.
int-looked-after = Її стан і показники
int-facts = Як її налаштовано
int-callback = Адреса повернення
int-slug = Ідентифікатор в адресах
int-trusted = Застосунки, яким довірено
int-settings = Налаштування
int-disable = Вимкнути
int-enable = Увімкнути
int-disable-one = Вимкнути { $name }
int-disable-question = Вимкнути { $name }?
int-disable-lead = Ніхто не зможе підключити там обліковий запис чи користуватися ним, доки ви не ввімкнете її знову.
int-disable-calls = Застосунки більше її не бачитимуть, і жоден виклик звідси туди не дійде.
int-disable-linked = Підключене людьми залишиться підключеним і запрацює, щойно ви її ввімкнете.
int-disable-unlink = Люди зможуть від’єднатися.
int-name = Назва
int-name-hint = Яку знають люди.
int-slug-hint = Малі латинські літери, цифри й дефіси. Змінити його не можна.
int-client-id-hint = Який надав вам сервіс.
int-sealed-stays = Порожньо: запечатане залишиться.
int-usual = Звичайна
int-installation = Інсталяція
int-scopes = Які дозволи запитувати
int-scopes-hint = Через пробіл. Порожньо: звичайні для цього сервісу.
int-secret = Секрет клієнта
int-example = Наприклад, { $example }.
int-default = Порожньо: { $default }.
int-catalogue = Спершу виберіть сторонній сервіс. Каталог знає їх { $known }.
int-search = Пошук
int-family = Вид
int-family-all = Усі види
int-found = { $found } з { $all } сервісів
int-not-found = Нічого з такою назвою. Невідомий каталогу сервіс можна описати у власному файлі: див. providers у налаштуваннях.
int-by-keys = працює за ключами, а не за обліковими записами людей
int-sure = за його власними документами
int-rather-sure = за клієнтами, що працюють
int-unsure = за одним джерелом: спершу перевірте
family-wearable = Носимі пристрої
family-device = Домашні прилади
family-ehr = Медичні записи
family-lab = Лабораторії
family-payer = Страховики
family-national-service = Національні служби охорони здоров’я
family-national-identity = Національний вхід
family-clinical-trial = Клінічні дослідження
family-aggregator = Агрегатори
family-signature = Електронні підписи
family-files = Файли
family-office = Пошта, календар і зустрічі
family-identity = Вхід
family-test = Для розробки
fault-integration-taken = Інтеграція з таким ідентифікатором уже є.
people-some = { $many ->
    [one] { $many } людина з обліковим записом
    [few] { $many } людини з обліковим записом
   *[many] { $many } людей з обліковим записом
}
people-more = { $many ->
    [one] { $many } людина, і є ще
    [few] { $many } людини, і є ще
   *[many] { $many } людей, і є ще
}
people-add = Додати людину
people-add-act = Додати
people-add-lead = Вона зможе ввійти одразу.
people-caption = Люди організації { $organisation }
people-person = Людина
people-since = Відколи
people-next = Більше людей
people-off = вимкнено
people-name = Ім’я
people-password = Перший пароль
people-password-hint = { $many ->
    [one] Щонайменше { $many } знак. Передайте його не електронною поштою.
    [few] Щонайменше { $many } знаки. Передайте його не електронною поштою.
   *[many] Щонайменше { $many } знаків. Передайте його не електронною поштою.
}
role-person = Людина
role-person-hint = Підключає власні сервіси та бачить, хто може ними користуватися.
role-developer = Розробник
role-developer-hint = Реєструє застосунки та просить довіри.
role-administrator = Адміністратор
role-administrator-hint = Перевіряє застосунки, надає довіру, налаштовує інтеграції, додає людей.
role-system-admin = Адміністратор системи
role-system-admin-hint = Керує інтеграціями всіх організацій цього розгортання й не відкриває записів. Надати цю роль може лише інший такий адміністратор.
role-study-manager = Керівник дослідження
role-study-manager-hint = Налаштовує інтеграції, змінює та архівує їх.
role-data-manager = Керівник даних
role-data-manager-hint = Перевіряє інтеграції, запускає обмін даними, виправляє записи, що не підійшли.
role-analyst = Аналітик
role-analyst-hint = Переглядає інтеграції, їхні журнали та показники.
role-viewer = Глядач
role-viewer-hint = Переглядає інтеграції.
role-auditor = Аудитор
role-auditor-hint = Переглядає все, що робили з інтеграціями, і нічого не змінює.
fault-one-role = Виберіть принаймні одну.
fault-study-role = Напишіть роль, двокрапку й коротку назву дослідження.
fault-study-role-unknown = Тут названо те, що не є роллю в дослідженні.
fault-study-unknown = Тут названо дослідження, якого немає.
org-sites-some = { $many ->
    [one] { $many } заклад
    [few] { $many } заклади
   *[many] { $many } закладів
}
org-sites-none = закладів немає
org-studies-some = { $many ->
    [one] { $many } дослідження
    [few] { $many } дослідження
   *[many] { $many } досліджень
}
org-studies-none = досліджень немає
org-how = { $sites }, { $studies }
org-sites = Заклади
org-sites-empty = Заклад — це місце, де лікують або проводять дослідження. Токени можна обмежити закладом.
org-site = Заклад
org-short = Коротка назва
org-short-hint = Малі латинські літери, цифри й дефіси, наприклад north-clinic.
org-studies = Дослідження
org-studies-empty = Дослідження — це наукова робота, у якій беруть участь люди. Воно може проводитися в кількох закладах.
org-study = Дослідження
org-where = Де
org-add-site = Додати заклад
org-add-study = Додати дослідження
org-site-name = Назва закладу
org-study-name = Назва дослідження
org-runs = Де воно проводиться
audit-none = Ще нічого не записано
audit-none-fits = Не записано нічого, що відповідало б
audit-newest = { $many ->
    [one] Найновіший запис: { $many }
    [few] Найновіші записи: { $many }
   *[many] Найновіші записи: { $many }
}
audit-newest-fit = { $many ->
    [one] Найновіший запис, що відповідає: { $many }
    [few] Найновіші записи, що відповідають: { $many }
   *[many] Найновіші записи, що відповідають: { $many }
}
audit-next = { $many ->
    [one] Наступний запис: { $many }
    [few] Наступні записи: { $many }
   *[many] Наступні записи: { $many }
}
audit-next-fit = { $many ->
    [one] Наступний запис, що відповідає: { $many }
    [few] Наступні записи, що відповідають: { $many }
   *[many] Наступні записи, що відповідають: { $many }
}
audit-id = Ідентифікатор має вигляд 0190b6e0-0000-7000-8000-000000000000.
audit-application = застосунок { $id }
audit-person = людина { $id }
audit-through = { $person }, через { $client }
audit-itself = сам Hilum
audit-receiver = хто відкрив посилання { $id }
audit-nobody = невідомо хто
audit-done = Виконано
audit-refused = Відмовлено
audit-failed = Не вдалося
audit-act = Дія
audit-person-id = Ідентифікатор людини
audit-client-id = Ідентифікатор застосунку
audit-subject = Ідентифікатор об’єкта
audit-filter = Відібрати
audit-empty = Жоден запис не відповідає.
audit-all = Показати все
audit-caption = Записи, найновіші спершу
audit-when = Коли
audit-who = Хто
audit-on = Над чим
audit-outcome = Результат
audit-first = ← Найновіші
audit-older = Старіші →

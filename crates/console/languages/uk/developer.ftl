# Портал розробника: застосунки та що вони можуть.

apps-none = Ще не зареєстровано жодного застосунку
apps-all-verified = { $many ->
    [one] Зареєстровано й перевірено { $many } застосунок
    [few] Зареєстровано й перевірено { $many } застосунки
   *[many] Зареєстровано й перевірено { $many } застосунків
}
apps-some-verified = { $many ->
    [one] Перевірено { $verified } з { $many } застосунку
   *[many] Перевірено { $verified } з { $many } застосунків
}
apps-waiting = { $many ->
    [one] { $many } чекає на перевірку
    [few] { $many } чекають на перевірку
   *[many] { $many } чекають на перевірку
}
apps-register = Зареєструвати застосунок
apps-first = Зареєструйте свій перший застосунок
apps-empty = Ви отримаєте ідентифікатор клієнта й секрет і одразу зможете випробувати вхід. Щоб звертатися до підключених сервісів людей, попросіть довіри, щойно { $organisation } перевірить застосунок.
apps-caption = Застосунки організації { $organisation }
apps-application = Застосунок
apps-state = Стан
apps-trusted-for = Довіра
apps-nothing-yet = ще немає
apps-registered = Зареєстровано
apps-more = Більше застосунків
apps-pages = Сторінки

client-registration = Реєстрація
client-id = Ідентифікатор клієнта
client-uri = Базова адреса
client-redirect-uris = Адреси повернення
client-none = Немає
client-kind = Вид
client-kind-confidential = Конфіденційний: працює на сервері та зберігає секрет
client-kind-public = Публічний: працює там, де не може зберегти секрет
client-profile = Профіль безпеки
client-proves = Чим підтверджує себе
client-grants = Способи отримати токен
client-scopes = Дозволи
client-logo = Логотип
client-change = Змінити
client-conformance = Як він дотримується свого профілю
client-failures = Невдалі запити
client-how = { $all ->
    [one] { $state }; довірено { $trusted } з { $all } інтеграції.
   *[many] { $state }; довірено { $trusted } з { $all } інтеграцій.
}
grant-authorization-code = людина входить
grant-client-credentials = діє від власного імені
grant-refresh-token = зберігає доступ, не питаючи знову
grant-jwt-bearer = приносить підписане твердження
grant-device-code = людина вводить код на іншому пристрої
grant-token-exchange = діє далі з токеном іншого застосунку

trust-title = Довіра
trust-empty = Ще немає інтеграції, про яку можна просити. Їх налаштовує адміністратор.
trust-caption = Інтеграції та чи довірено їх цьому застосунку
trust-integration = Інтеграція
trust-state = Стан
trust-may = Що йому дозволено
trust-nothing = Нічого
trust-ask = Попросити довіри
trust-ask-change = Змінити запит
trust-trusted = Довірено
trust-asked-for = Подано запит
trust-withdrawn = Скасовано
trust-not = Не довірено
terms-see = Бачити, чи підключено обліковий запис
terms-direct = { $many ->
    [one] напряму звертатися до { $many } адреси
   *[many] напряму звертатися до { $many } адрес
}
terms-rate = { $many ->
    [one] { $many } виклик на хвилину
    [few] { $many } виклики на хвилину
   *[many] { $many } викликів на хвилину
}

secrets-title = Секрети
secrets-add = Додати секрет
secrets-replace = Замінити всі
secrets-replaced = Замінені секрети діють ще один день, щоб нічого не переривалося, поки ви вводите новий у дію.
secrets-empty = Немає жодного чинного секрету. Без нього застосунок не може отримати токен.
secrets-secret = Секрет
secrets-when-ended = коли ви його завершите
secrets-end = Завершити

# Кінцеві точки вебхуків: для співробітників і для тих, хто приймає їхні виклики.

hook-test = Надіслати пробну подію
hook-health = Як працює
hook-url = Адреса
hook-reason = Чому не викликаємо
hook-pending = Подій чекає
hook-calls = Викликів за останню добу
hook-taken = прийнято { $percent }%
hook-p95 = 19 із 20 викликів тривали щонайбільше
hook-ms = { $ms } мс
hook-last-failure = Остання невдача
hook-answered = відповідь { $status }
hook-enabled = Доставляється
hook-failing = Виклики не вдаються
hook-paused = Призупинено
hook-paused-by = Хто призупинив
hook-paused-by-staff = працівники організації
hook-paused-by-receiver = отримувач, за посиланням
hook-held = Призупинили працівники організації. Продовжити можуть лише вони.
hook-told-held = Нічого не змінено: призупинили працівники організації.
hook-disabled = Не викликаємо
hook-how-well = { $many ->
    [one] За останню добу { $many } виклик; останній прийнято.
    [few] За останню добу { $many } виклики; останній прийнято.
   *[many] За останню добу { $many } викликів; останній прийнято.
}
hook-how-quiet = Усе готово. За останню добу не було про що повідомляти.
hook-how-failing = Виклики не вдаються, вперше { $since }. Спроби тривають близько трьох днів.
hook-how-fails = Виклики не вдаються. Спроби тривають близько трьох днів.
hook-how-paused = { $many ->
    [0] Призупинено: усе, що станеться відтепер, чекатиме.
    [one] Призупинено: чекає { $many } подія.
    [few] Призупинено: чекають { $many } події.
   *[many] Призупинено: чекає { $many } подій.
}
hook-how-disabled = { $many ->
    [0] Більше не викликаємо: усе, що станеться відтепер, чекатиме.
    [one] Більше не викликаємо: чекає { $many } подія.
    [few] Більше не викликаємо: чекають { $many } події.
   *[many] Більше не викликаємо: чекає { $many } подій.
}
hook-pause = Призупинити
hook-pause-hint = Події чекатимуть на продовження, до 30 днів.
hook-resume = Продовжити
hook-resume-hint = Спершу буде доставлено те, що чекає.
hook-deliveries = Доставки
hook-state = Стан
hook-all = Усі
hook-waits = Чекає
hook-delivered = Доставлено
hook-failed = Не доставлено
hook-none = Ще не було про що повідомляти. Надішліть пробну подію, щоб побачити, чи вона дійде.
hook-none-fits = Доставок у такому стані немає.
hook-caption = { $many ->
    [one] { $many } доставка
    [few] { $many } доставки, спершу найновіші події
   *[many] { $many } доставок, спершу найновіші події
}
hook-event = Подія
hook-attempts = Виклики
hook-since-when = Коли з’явилася
hook-next = Наступна спроба
hook-newer = ← Новіші
hook-replay = Доставити ще раз
hook-replay-act = Доставити ще раз
hook-replay-failed = Ті, що не доставлено
hook-replay-all = Усі
hook-since = Відколи (UTC)
hook-since-hint = Хто пам’ятає ідентифікатори, нічого не прийме двічі: кожна подія зберігає свій.
hook-which = Які
hook-told = Про що повідомляємо
hook-keys = Підписи
hook-keys-lead = Кожен виклик підписано за стандартом вебхуків: спільним секретом (v1) і ключем, відкриту половину якого показано тут (v1a).
hook-key = Відкритий ключ
hook-key-until = Попередній відкритий ключ, діє до:
hook-secret = Секрет
hook-secret-shown = Показується один раз, коли його створено.
hook-rotate = Створити нові ключі
hook-rotate-question = Створити нові ключі для «{ $name }»?
hook-rotate-lead = Кожен виклик буде підписано новим секретом і новим ключем.
hook-rotate-once = Новий секрет буде показано один раз, на наступній сторінці.
hook-rotate-overlap = Протягом доби виклики матимуть обидва підписи, щоб під час заміни нічого не загубилося.
hook-rotate-public = Відкритий ключ теж зміниться.
hook-rotated-lead = Попередні ключі ще добу підписують поряд із цими.
hook-secret-new = Новий секрет
hook-secret-heading = Новий секрет для «{ $name }»
hook-kept = Збережено
hook-delivery = Доставка
hook-calls-made = Виклики
hook-calls-none = Викликів ще не було.
hook-call = Виклик
hook-status = Код
hook-duration = Тривалість
hook-answer = Початок відповіді
hook-answer-none = нічого
hook-sent = Що надсилається
hook-again = Доставити ще раз
hook-told-tested = Пробна подія в дорозі. За мить оновіть сторінку, щоб побачити, що з нею сталося.
hook-told-paused = Призупинено: події чекають.
hook-told-resumed = Продовжено: те, що чекало, доставляється.
hook-told-replayed = Знову в дорозі.
hook-told-link-revoked = Посилання більше нічого не відкриває.

receiver-none-title = Це посилання нічого не відкриває
receiver-none-lead = Можливо, його строк минув, його відкликано або його відкрито в іншому браузері. Попросіть нове в того, хто вам його надіслав.
receiver-left-title = Ви залишили сторінку
receiver-left-lead = Щоб повернутися, відкрийте посилання знову, доки воно діє.
receiver-visit = Ваш доступ
receiver-visit-lead = Цю сторінку в цьому браузері відкрило посилання, без облікового запису. Усе, що ви тут робите, записується під цим посиланням. Доступ закінчиться
receiver-leave = Залишити сторінку
receiver-links = Посилання для отримувача
receiver-links-lead = За посиланням той, хто приймає ці виклики, бачить цю кінцеву точку й керує лише нею, без облікового запису.
receiver-links-none = Посилань ще не створено.
receiver-link = Посилання
receiver-make = Створити посилання
receiver-for = Для кого
receiver-opened = Востаннє відкрито
receiver-expires = Закінчується
receiver-never = ніколи
receiver-revoke = Відкликати
receiver-live = Діє
receiver-expired = Строк минув
receiver-revoked = Відкликано
receiver-copy-now = Скопіюйте посилання зараз.
receiver-hand-over = Передайте його так, щоб його прочитав лише отримувач: хто його має, той керує кінцевою точкою.
receiver-opens-until = Воно закінчиться

event-type-connection-linked = Людина підключила обліковий запис в інтеграції.
event-type-connection-needs_reconnect = Інтеграція більше не приймає токенів людини: обліковий запис треба підключити знову.
event-type-connection-revoked = Обліковий запис людини відключено.
event-type-alert-firing = Правило організації спрацювало.
event-type-alert-resolved = Правило більше не спрацьовує.
event-type-integration-created = Співробітники зареєстрували інтеграцію.
event-type-integration-updated = Співробітники змінили інтеграцію.
event-type-integration-activated = Інтеграцію увімкнено.
event-type-integration-deactivated = Інтеграцію вимкнено.
event-type-integration-archived = Інтеграцію перенесено до архіву.
event-type-integration-restored = Інтеграцію повернуто з архіву.
event-type-integration-tested = З’єднання перевірено, і чим це скінчилося.
event-type-sync-begun = Почато синхронізацію інтеграції.
event-type-sync-completed = Синхронізація завершилася, зі звітом.
event-type-sync-failed = Синхронізація далі не йде, із причиною.
event-type-sync-cancelled = Хтось припинив синхронізацію.
event-type-inbound-received = Третя сторона щось повідомила нам; предмет події — повідомлення.
event-type-webhook-test = Хтось попросив про пробу; надсилається лише цій кінцевій точці.
event-type-webhook-endpoint_disabled = Кінцеву точку більше не викликаємо: вона сказала, що її немає, або кілька днів нічого не приймала.
event-type-webhook-delivery_failed = Кінцева точка не прийняла події за жодної зі спроб.

fault-since = Має бути день і час.
fault-hook-gone = Вона сказала, що її більше немає (410).
fault-hook-nothing = Вона п’ять днів нічого не приймала.
fault-hook-inside = Її адресу тут не дозволено.
fault-hook-large = Її відповідь завелика.
fault-hook-silent = Вона не відповіла.

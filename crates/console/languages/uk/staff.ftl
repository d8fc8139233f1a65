# Інтеграції для тих, хто про них дбає.

menu-staff = Інтеграції
staff-integrations = Усі інтеграції
staff-alerts = Сповіщення
staff-webhooks = Вебхуки
staff-pages = Сторінки цієї інтеграції
staff-overview = Огляд
staff-syncs = Синхронізації
staff-quarantine = Карантин
staff-logs = Журнал
staff-metrics = Показники

staff-some = { $many ->
    [0] Немає інтеграцій, які ви можете бачити.
    [one] Зареєстровано { $many } інтеграцію.
    [few] Зареєстровано { $many } інтеграції.
   *[many] Зареєстровано { $many } інтеграцій.
}
staff-found-some = { $many ->
    [0] Жодної інтеграції не знайдено.
    [one] Знайдено { $many } інтеграцію.
    [few] Знайдено { $many } інтеграції.
   *[many] Знайдено { $many } інтеграцій.
}
staff-none = Тут нічого немає. Інтеграції реєструють через API або з термінала, а сервіси, які підключають люди, на сторінках адміністрування.
staff-any-state = Будь-який
staff-active = Активна
staff-inactive = Вимкнено
staff-pending = Ще не активна
staff-error = Не працює
staff-archived = В архіві
staff-by-hand = вручну
staff-last-sync = Остання синхронізація
staff-next-sync = Наступна синхронізація

staff-how-synced = Вона активна. Усе, що мала інша сторона, надійшло { $when }.
staff-how-active = Вона активна. Ще нічого не надійшло.
staff-how-inactive = Її вимкнено: нічого не надходить.
staff-how-error = Вона перестала працювати. Перевірте з’єднання, щоб побачити, де саме.
staff-how-archived = Вона в архіві: нічого не надходить, її можна повернути.
staff-how-tested = Її перевірено, але ще не увімкнено.
staff-how-pending = Вона нова. Перевірте з’єднання: активною вона стане лише після вдалої перевірки.

staff-test = Перевірити з’єднання
staff-test-title = Остання перевірка
staff-test-past = Відтоді налаштування змінено: так було раніше.
staff-test-success = Працює
staff-test-warning = Працює із застереженням
staff-test-error = Не працює
staff-version = версія
staff-host-key = Ключ, який показав сервер
staff-step-passed = Пройдено
staff-step-warning = Зверніть увагу
staff-step-failed = Не вдалося
staff-step-skipped = Не дійшло
step-configuration = Налаштування
step-site = Заклад, до якого надходять записи
step-name = Ім’я сервера
step-connection = З’єднання
step-tls = Його шифрування
step-host_key = Ключ сервера
step-api = Що інша сторона каже про себе
step-sign_in = Хто ми для неї
step-permission = Що нам там дозволено
step-directory = Де лежать її файли
step-sample_read = По запису кожного виду
staff-tested = Остання перевірка
staff-not-tested = не було, відколи змінилися налаштування
staff-frequency = Частота
staff-credentials = Задані облікові дані
staff-no-credentials = немає
staff-changed = Востаннє змінено
staff-id = Ідентифікатор
staff-newest-sync = Найновіша синхронізація
staff-all-syncs = Усі синхронізації

staff-sync-now = Синхронізувати зараз
staff-sync-full = Синхронізувати все
staff-sync = Синхронізація
staff-sync-kind = Що
staff-full = Усе
staff-incremental = Те, що змінилося
staff-received = Надійшло
staff-stored = Збережено
staff-unchanged = Без змін
staff-quarantined = Відкладено
staff-deleted = Видалено
staff-adds-up = збережено { $stored } + без змін { $unchanged } + відкладено { $quarantined } + видалено { $deleted }
staff-why = Чому
staff-ended = закінчилася
staff-syncs-none = Синхронізацій ще не було.
staff-syncs-caption = Синхронізації, спершу найновіші, кожна зі звітом: усе, що надійшло, дорівнює сумі решти
staff-sync-queued = У черзі
staff-sync-running = Триває
staff-sync-done = Завершено
staff-sync-failed = Не вдалася
staff-sync-cancelled = Припинено
staff-cancel = Припинити
staff-retry = Продовжити
staff-told-begun = Синхронізація в черзі. Оновіть сторінку, щоб побачити, як вона йде.
staff-told-cancelled = Синхронізація припиниться між двома сторінками. Те, що вже збережено, залишиться.
staff-told-retried = Синхронізація йде далі з того самого місця.
staff-told-state = Стан цього зараз не дозволяє: синхронізація вже триває або інтеграція не активна.

staff-aside-lead = Записи, яких не прийнято, із причиною. Вони чекають, доки хтось прийме їх знову чи відпустить, або джерело надішле їх іще раз.
staff-aside-none = Нічого не відкладено.
staff-record = Запис
staff-code = Причина
staff-aside = Відкладений запис
staff-aside-replay = Прийняти знову
staff-aside-seen = Це дані про здоров’я. Те, що ви їх бачили, записано.
staff-aside-discard = Відпустити
staff-aside-discard-hint = Тут його не стане; джерело може надіслати його знову.
staff-told-stored = Запис прийнято.
staff-told-discarded = Запису більше немає.
staff-told-quarantined = Його не прийнято: він чекає далі, причину показано нижче.

staff-level = Рівень
staff-any-level = Будь-який
staff-level-error = Помилка
staff-level-warning = Застереження
staff-level-info = Відомості
staff-level-debug = Налагодження
staff-logs-none = Таких рядків немає.
staff-logs-caption = { $many ->
    [one] { $many } рядок
    [few] { $many } рядки, спершу найновіші
   *[many] { $many } рядків, спершу найновіші
}
staff-records = Записів

staff-window = За який час
staff-window-day = 24 години
staff-window-week = 7 днів
staff-window-month = 30 днів
staff-figures = Показники за кожен проміжок, спершу найновіші
staff-calls = Викликів
staff-errors = Помилок
staff-error-percent = викликів не вдалося
staff-p50 = половина викликів у межах
staff-p95 = 19 із 20 викликів у межах
staff-syncs-completed = синхронізацій завершено
staff-syncs-failed = синхронізацій не вдалося
staff-messages = повідомлень іншої сторони
staff-chart-records = Записи, що надійшли
staff-chart-calls = Виклики до іншої сторони
staff-chart-most = Найвищий стовпчик — { $most }. Час за UTC.
staff-taken = Прийнято
staff-answered = З відповіддю
staff-metrics-none = За цей час нічого не сталося.

staff-how-no-rules = Ще жодне правило ні за чим не стежить.
staff-how-quiet = Жодне правило не спрацювало.
staff-how-firing = { $many ->
    [one] Спрацювало { $many } правило.
    [few] Спрацювали { $many } правила.
   *[many] Спрацювало { $many } правил.
}
staff-rules-none = Правила створюють через API: частка помилок, тривалість, невдалі чи відсутні синхронізації, черга завдань, відмови.
staff-rules-caption = Правила, спершу ті, що спрацювали
staff-rule = Правило
staff-rule-off = Вимкнено
staff-rule-quiet = Спокійно
staff-rule-firing = Спрацювало
staff-rule-errors = { $minutes ->
    [one] Не вдається { $limit }% викликів чи більше за { $minutes } хвилину
    [few] Не вдається { $limit }% викликів чи більше за { $minutes } хвилини
   *[many] Не вдається { $limit }% викликів чи більше за { $minutes } хвилин
}
staff-rule-latency = { $minutes ->
    [one] 1 із 20 викликів триває { $limit } мс чи довше за { $minutes } хвилину
    [few] 1 із 20 викликів триває { $limit } мс чи довше за { $minutes } хвилини
   *[many] 1 із 20 викликів триває { $limit } мс чи довше за { $minutes } хвилин
}
staff-rule-failed = { $minutes ->
    [one] Не вдається синхронізацій: { $limit } чи більше за { $minutes } хвилину
    [few] Не вдається синхронізацій: { $limit } чи більше за { $minutes } хвилини
   *[many] Не вдається синхронізацій: { $limit } чи більше за { $minutes } хвилин
}
staff-rule-no-data = { $minutes ->
    [one] Нічого не надходить { $minutes } хвилину
    [few] Нічого не надходить { $minutes } хвилини
   *[many] Нічого не надходить { $minutes } хвилин
}
staff-rule-queue = Завдань, що вже мали виконуватися, чекає { $limit } чи більше
staff-rule-refusals = { $minutes ->
    [one] Відмов { $limit } чи більше за { $minutes } хвилину
    [few] Відмов { $limit } чи більше за { $minutes } хвилини
   *[many] Відмов { $limit } чи більше за { $minutes } хвилин
}
staff-see = Займаюся цим
staff-see-note = Примітка для колег
staff-seen = Узято в роботу
staff-told-seen = Повторних сповіщень не буде, доки це не минеться.
staff-told-over = Це вже минулося.
staff-told-note = Примітка має щонайбільше 500 символів.
staff-watches = Стежить за
staff-watches-all = усією організацією
staff-mailed = Листів на адреси
staff-found = виявлено { $value }

staff-webhooks-some = { $many ->
    [0] Ще немає кінцевих точок.
    [one] Про події дізнається { $many } кінцева точка.
    [few] Про події дізнаються { $many } кінцеві точки.
   *[many] Про події дізнаються { $many } кінцевих точок.
}
staff-webhooks-none = Кінцеві точки створюють через API або з термінала: адреса й події, про які її повідомляють.
staff-endpoint = Кінцева точка
staff-told-all = про все
receiver-for-hint = Назва, за якою ви її впізнаєте, наприклад назва партнера.
receiver-lasts = Діє
receiver-days = { $many ->
    [one] { $many } день
    [few] { $many } дні
   *[many] { $many } днів
}
receiver-link-heading = Посилання для: { $name }

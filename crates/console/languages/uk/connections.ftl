# З’єднання застосунку з тими, хто ним користується.

connections-title = З’єднання
connections-lead = Той, хто з’єднаний, надсилає людей на вхід під ідентифікатором цього застосунку, але з власною адресою повернення та власним секретом.
connections-application = Застосунок
connections-consumer = З ким
connections-state = Стан
connections-redirect = Адреса повернення
connections-used = Востаннє використано
connections-in-use = Використовується
connections-unused = Ще не використовувалося
connections-off = Вимкнено
connections-refresh = Новий секрет
connections-refresh-question = Створити новий секрет для { $name }?
connections-refresh-lead = Усе, що досі використовує попередній секрет, одразу перестане працювати.
connections-refresh-dead = Зі старим секретом більше не можна ні обміняти код, ні поновити токен.
connections-refresh-once = Новий секрет буде показано один раз, щоб ви могли безпечно його передати.
connections-drawn = Новий секрет з’єднання
connections-copy-now = Скопіюйте секрет зараз.
connections-use = Вони діють лише разом: секрет обмінює тільки коди, надіслані на цю адресу повернення.
connections-kept = Секрет збережено
connections-delete = Видалити
connections-delete-question = Видалити з’єднання з { $name }?
connections-delete-lead = Людей більше не повертатимуть на { $uri }.
connections-delete-codes = Його секрет одразу втратить чинність, як і ще не обміняні коди.
connections-delete-tokens = Отримані через нього токени не можна буде поновити; кожен діятиме щонайбільше свою годину.
connections-delete-again = З’єднання можна створити знову, вже з іншим секретом.
connections-told-deleted = З’єднання видалено.

secrets-ends = Новий секрет закінчиться
secrets-never = коли його завершать

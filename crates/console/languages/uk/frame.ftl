# Те, що оточує кожну сторінку.

language-name = Українська
language-choice = Мова
brand-line = Hilum — шлюз медичних інтеграцій
frame-skip = Перейти до вмісту
frame-menu = Меню
frame-main-navigation = Головне меню
frame-signed-in-as = Ви увійшли як
frame-sign-out = Вийти
frame-documentation = Документація API
menu-you = Ви
menu-developer = Портал розробника
menu-own-applications = Ваші застосунки
menu-administration = Адміністрування
menu-overview = Огляд
menu-integrations = Сервіси, які підключають
menu-applications = Застосунки
menu-trust = Довіра
menu-people = Люди
menu-organisation = Організація
menu-audit = Журнал аудиту

copy-act = Копіювати
copy-done = Скопійовано
copy-by-hand = Натисніть Ctrl+C

form-problem = Щось не так
form-cancel = Скасувати
form-optional = (необов’язково)
confirm-effects = Що станеться
confirm-name = Щоб продовжити, введіть назву
confirm-name-is = Назва: { $name }
confirm-name-wrong = Введіть назву точно так, як її показано.

time-now = щойно
time-soon = за мить
time-minutes-ago = { $amount ->
    [one] { $amount } хвилину тому
    [few] { $amount } хвилини тому
   *[many] { $amount } хвилин тому
}
time-hours-ago = { $amount ->
    [one] { $amount } годину тому
    [few] { $amount } години тому
   *[many] { $amount } годин тому
}
time-days-ago = { $amount ->
    [one] { $amount } день тому
    [few] { $amount } дні тому
   *[many] { $amount } днів тому
}
time-in-minutes = { $amount ->
    [one] через { $amount } хвилину
    [few] через { $amount } хвилини
   *[many] через { $amount } хвилин
}
time-in-hours = { $amount ->
    [one] через { $amount } годину
    [few] через { $amount } години
   *[many] через { $amount } годин
}
time-in-days = { $amount ->
    [one] через { $amount } день
    [few] через { $amount } дні
   *[many] через { $amount } днів
}
time-date = { $day } { $month ->
    [1] січня
    [2] лютого
    [3] березня
    [4] квітня
    [5] травня
    [6] червня
    [7] липня
    [8] серпня
    [9] вересня
    [10] жовтня
    [11] листопада
   *[12] грудня
} { $year } р.
time-exact = { $date }, { $clock } UTC

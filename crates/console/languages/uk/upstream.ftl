# Постачальники, через яких люди входять, — сторінки адміністраторів.

menu-upstream = Вхід через інші сайти
upstream-none = Ніхто не входить через інший сайт: усі мають пароль тут.
upstream-some = { $many ->
    [one] Люди можуть входити через { $many } постачальника.
   *[many] Люди можуть входити через { $many } постачальників.
}
upstream-failing = { $many ->
    [one] у { $many } остання спроба невдала
   *[many] у { $many } остання спроба невдала
}
upstream-empty = Додайте першого постачальника
upstream-lead = Через зовнішнього постачальника OpenID, як-от NHS login чи власний каталог, люди входять із тамтешнім обліковим записом. Людина пов’язує його один раз, увійшовши тут.
upstream-add = Додати постачальника
upstream-provider = Постачальник
upstream-state = Стан
upstream-on = Увімкнено
upstream-off = Вимкнено
upstream-failed-last = Остання спроба невдала
upstream-people = Пов’язано людей
upstream-used = Останній вхід
upstream-failed = Остання невдача
upstream-never = ніколи
upstream-pick = Який постачальник?
upstream-pick-lead = Про цих відомо найбільше. Будь-якого іншого постачальника OpenID можна знайти за його ідентифікатором (issuer).
upstream-other = Інший
upstream-other-hint = за його адресою
upstream-set-up = Налаштувати { $name }
upstream-set-up-lead = Спершу зареєструйте цей сервер там. Вкажіть цю адресу повернення, замінивши крапки ідентифікатором, який виберете нижче: { $callback }
upstream-slug = Ідентифікатор в адресах
upstream-slug-hint = Малі латинські літери, цифри й дефіси. Змінити його не можна.
upstream-name = Назва
upstream-name-hint = Що написано на кнопці сторінки входу.
upstream-issuer = Видавець
upstream-issuer-hint = Знак у знак, як у метаданих постачальника. Частину у фігурних дужках замініть.
upstream-client-id = Ідентифікатор клієнта
upstream-client-id-hint = Який надав вам постачальник.
upstream-client-auth = Як ми підтверджуємо себе там
upstream-secret-basic = Секрет у заголовку
upstream-secret-post = Секрет у формі
upstream-key = Твердження, підписане нашим ключем
upstream-secret = Секрет клієнта
upstream-sealed = Зберігається запечатаним, більше не показується.
upstream-private-key = Приватний ключ
upstream-private-key-hint = PKCS#8 у форматі PEM: -----BEGIN PRIVATE KEY-----. Зберігається запечатаним, більше не показується.
upstream-key-id = Ідентифікатор ключа
upstream-key-id-hint = Як постачальник називає наш ключ.
upstream-assertion-alg = Чим підписано твердження
upstream-id-token-alg = Чим підписано токени ідентифікації
upstream-scopes = Які дозволи запитувати
upstream-counts-as = Чого тут вартий вхід звідти
upstream-counts-password = Один чинник, як пароль
upstream-counts-mfa = Два чинники
upstream-new-people = Хто приходить уперше
upstream-new-never = Спершу входить тут і пов’язує
upstream-new-create = Отримує обліковий запис, якщо постачальник перевірив електронну адресу
upstream-callback = Адреса повернення для реєстрації там
upstream-since = Налаштовано
upstream-disable = Вимкнути
upstream-disable-question = Вимкнути { $name }?
upstream-disable-lead = { $many ->
    [one] Пов’язано { $many } людину; вона більше не зможе так увійти.
    [few] Пов’язано { $many } людини; вони більше не зможуть так увійти.
   *[many] Пов’язано { $many } людей; вони більше не зможуть так увійти.
}
upstream-disable-password = Вони входитимуть із паролем або ключем доступу, якщо мають їх.
upstream-disable-stays = Зв’язки й налаштування залишаться. Ви зможете ввімкнути знову.
upstream-enable = Увімкнути
upstream-told-disabled = Вимкнено.
upstream-told-enabled = Увімкнено.
upstream-why-denied_there = постачальник відмовив
upstream-why-untrusted_answer = відповіддю не можна скористатися
upstream-why-too_weak = постачальник перевірив замало
upstream-why-unknown_subject = з тим записом нікого не пов’язано
upstream-why-linked_otherwise = запис пов’язано з кимось іншим
upstream-why-disabled = обліковий запис тут вимкнено
upstream-why-unreadable = постачальник не відповідає як слід

fault-upstream-refused = Налаштування постачальника неповні або неправильні.
fault-upstream-taken = Таку коротку назву вже має інший постачальник.
fault-upstream-issuer = Має бути адресою без параметрів і фрагмента, як у метаданих постачальника.
fault-upstream-braces = Заповніть частину у фігурних дужках.
fault-upstream-empty = Не може бути порожнім.
fault-upstream-scopes = Має містити openid.
fault-upstream-alg = Потрібно вказати разом із private_key_jwt.
fault-upstream-slug = Має бути від 1 до 40 знаків: a-z, 0-9 і дефіси.
fault-upstream-stated = Потрібно вказати.
fault-upstream-key = Має бути ключем PKCS#8 для алгоритму тверджень: -----BEGIN PRIVATE KEY-----
